import { dirname, join, normalize } from 'node:path'
import { importsOf, packageOf } from './imports.ts'

/** One workspace: its folder from the root, its name, what its package.json declares. */
export type Workspace = {
  readonly folder: string
  readonly name: string
  readonly dependencies: readonly string[]
  readonly devDependencies: readonly string[]
}
export type Source = { readonly path: string; readonly text: string }
export type Repository = {
  readonly workspaces: readonly Workspace[]
  /** Declared at the root: tools of every workspace, allowed in tests (and in `tools`). */
  readonly rootDevDependencies: readonly string[]
  readonly sources: readonly Source[]
}

const scope = '@re-ops/'
/** Workspaces each may import; apps may import every library but those named in `apps`. */
const allowedLibraries: Readonly<Record<string, readonly string[]>> = {
  'libs/protocols': [],
  'libs/pipelines': ['protocols'],
  'libs/operations': ['protocols', 'pipelines'],
  'libs/live': ['protocols', 'pipelines'],
  'libs/service': ['protocols'],
  'libs/client': ['protocols'],
  'libs/node-libvirt': [],
  'libs/outputs': [],
}
const libraries = Object.keys(allowedLibraries).map(folder => folder.slice('libs/'.length))
/** Of an app, tools may import its kit for tests, and the agent as a part of another program. */
const surfaces: Readonly<Record<string, readonly string[]>> = { 'apps/re-gent': ['testing', 'embedded'] }
/** What may import the native forms of the operations: the agent alone. */
const nativesFor = 'apps/re-gent'

const isTest = (path: string): boolean =>
  /\.test\.ts$|\/testing\.ts$|\/(testing|fixtures)\//.test(path) || path.endsWith('.config.js')

/** Every import that breaks the one-way dependencies, as one line each: who, what, why. */
export const boundaryViolations = (repository: Repository): string[] =>
  repository.sources.flatMap(source => {
    const own = repository.workspaces.find(one => source.path.startsWith(`${one.folder}/`))
    if (!own) return []
    return importsOf(source.text).flatMap(name => {
      const why = name.startsWith('.')
        ? relativeViolation(source.path, own, name)
        : packageViolation(repository, source.path, own, name)
      return why === null ? [] : [`${source.path}: imports ${name}: ${why}`]
    })
  })

const relativeViolation = (path: string, own: Workspace, name: string): string | null => {
  const target = normalize(join(dirname(path), name))
  if (isNative(target) && !mayUseNatives(path, own)) return 'native forms are imported by the agent alone'
  return target.startsWith(`${own.folder}/`) ? null : `a relative path leads out of ${own.folder}; import the package`
}

const packageViolation = (repository: Repository, path: string, own: Workspace, name: string): string | null => {
  const imported = packageOf(name)
  if (imported === null) return null
  const other = repository.workspaces.find(one => one.name === imported)
  if (imported.startsWith(scope) && !other) return 'there is no such workspace'
  if (other && other !== own) {
    const why = directionViolation(own, other, name)
    if (why !== null) return why
  }
  if (/\/native(\/|$)/.test(name) && imported === `${scope}operations` && own.folder !== nativesFor)
    return 'native forms are imported by the agent alone'
  if (imported === own.name) return null
  const declared = [
    ...own.dependencies,
    ...(isTest(path) ? [...own.devDependencies, ...repository.rootDevDependencies] : own.devDependencies),
  ]
  const types = `@types/${imported.replace('@', '').replace('/', '__')}`
  return declared.includes(imported) || declared.includes(types) ? null : `not declared in ${own.folder}/package.json`
}

const directionViolation = (own: Workspace, other: Workspace, name: string): string | null => {
  const ofApps = other.folder.startsWith('apps/')
  if (ofApps && own.folder !== 'tools') return 'no app (and no library) imports an app'
  const offered = (surfaces[other.folder] ?? ['testing']).map(one => `${other.name}/${one}`)
  if (ofApps && !offered.includes(name)) return `of an app, tools may import ${offered.join(', ')} only`
  if (other.folder === 'tools') return 'tools are imported by nobody'
  if (ofApps) return null
  const allowed = allowedLibraries[own.folder] ?? libraries
  return allowed.includes(other.folder.slice('libs/'.length))
    ? null
    : `${own.folder} may import ${allowed.length === 0 ? 'no workspace' : allowed.join(', ')}`
}

const isNative = (path: string): boolean =>
  path.startsWith('libs/operations/src/') && /(\.native|\/native)\.ts$/.test(path)
/** The operations' own list of natives, the natives themselves and their tests. */
const mayUseNatives = (path: string, own: Workspace): boolean =>
  own.folder === 'libs/operations' && (isNative(path) || isTest(path))
