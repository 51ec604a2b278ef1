import type { AnyOperation } from '@re-ops/pipelines'
import type { Metafile, Plugin } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A binding that the catalogue imports: an operation, or a list of them. */
type Family = { readonly from: string; readonly binding: string; readonly names: readonly string[] }

const importLine = /^import \{([^}]*)\} from '(\.[^']+)'$/gm
const nativesFile = 'operations.native.cjs'
const fileOf = ({ binding }: Family): string => `operations.${binding}.cjs`

const familiesOf = async (path: string, text: string): Promise<Family[]> => {
  const families: Family[] = []
  for (const [, bindings = '', from = ''] of text.matchAll(importLine)) {
    const module = (await import(pathToFileURL(join(dirname(path), from)).href)) as Record<string, unknown>
    for (const binding of bindings.split(',').map(name => name.trim())) {
      const operations = [module[binding]].flat() as AnyOperation[]
      families.push({ from, binding, names: operations.map(one => one.name) })
    }
  }
  const { catalogue } = (await import(pathToFileURL(path).href)) as { catalogue: readonly AnyOperation[] }
  const [found, expected] = [families.flatMap(({ names }) => names), catalogue.map(one => one.name)]
  if (found.toSorted().join() !== expected.toSorted().join())
    throw new Error(`${path} is not a list of what it imports: ${expected.join(', ')}, but imports ${found.join(', ')}`)
  return families
}

/** The catalogue of a host: the names of all operations, and where those of a family are taken from. */
const lazyCatalogue = (families: readonly Family[]): string =>
  [
    `import { makeValidator } from '@re-ops/protocols/validator'`,
    `const families = [`,
    ...families.map(
      one => `[${JSON.stringify(one.names)}, () => require('./${fileOf(one)}').familyWith(makeValidator)],`,
    ),
    `]`,
    `const load = new Map(families.flatMap(([names, load]) => names.map(name => [name, load])))`,
    `export const operationNamed = name => [load.get(name)?.() ?? []].flat().find(one => one.name === name)`,
  ].join('\n')

/** Native forms, which are one file: who has one is known, what it is made of is read when one is run. */
const lazyNatives = (names: readonly string[]): string => `const names = new Set(${JSON.stringify(names)})
let held
export const natives = {
  has: name => names.has(name),
  get: name => names.has(name) ? (held ??= require('./${nativesFile}').natives).get(name) : undefined,
}
`

const family = 'family'
/** A family takes from its program what checks values, which would be larger than all it has itself. */
const heldValidator = `let held
export const hold = makeValidator => (held = makeValidator)
export const makeValidator = schema => {
  let validator
  const get = () => (validator ??= held(schema))
  return { check: value => get().check(value), errors: value => get().errors(value) }
}`

const familyPlugin = (folder: string, families: readonly Family[]): Plugin => ({
  name: 'families',
  setup(build) {
    build.onResolve({ filter: /^family:/ }, ({ path }) => ({ path: path.slice('family:'.length), namespace: family }))
    build.onLoad({ filter: /./, namespace: family }, ({ path }) => {
      const { from, binding } = families.find(one => one.binding === path) as Family
      const contents = [
        `import { hold } from '@re-ops/protocols/validator'`,
        `import { ${binding} } from '${from}'`,
        `export const familyWith = makeValidator => (hold(makeValidator), ${binding})`,
      ]
      return { contents: contents.join('\n'), resolveDir: folder, loader: 'js' }
    })
    build.onResolve({ filter: /^@re-ops\/protocols\/validator$/ }, () => ({
      path: 'held',
      namespace: 'held',
      sideEffects: false,
    }))
    build.onLoad({ filter: /./, namespace: 'held' }, () => ({ contents: heldValidator, loader: 'js' }))
  },
})

/**
 * Most hosts ever do a few of the operations there are, so a host's program holds none: each family is a file of its own,
 * read when one of its operations is asked for. In one text a hundred of them cost 2 MB. They are bundled with `plugins`;
 * `also` hears what is in them.
 */
export const cataloguePlugin = (
  root: string,
  plugins: readonly Plugin[],
  also: (metafile: Metafile) => void,
): Plugin => ({
  name: 'catalogue',
  setup(build) {
    const path = join(root, 'libs/operations/src/catalogue.ts')
    const nativesPath = join(root, 'libs/operations/src/native.ts')
    build.onResolve({ filter: /^\.\/operations\.\w+\.cjs$/ }, one => ({ path: one.path, external: true }))
    const apart = async (families: readonly Family[], entries: Readonly<Record<string, string>>): Promise<void> => {
      const entryPoints = Object.entries(entries).map(([file, from]) => ({ in: from, out: file.replace(/\.cjs$/, '') }))
      const all = [familyPlugin(dirname(path), families), ...plugins]
      const { metafile } = await build.esbuild.build({
        ...build.initialOptions,
        entryPoints,
        plugins: all,
        metafile: true,
      })
      also(metafile)
    }
    build.onLoad({ filter: /\/catalogue\.ts$/ }, async one => {
      if (one.path !== path) return null
      const families = await familiesOf(path, await readFile(path, 'utf8'))
      await apart(families, Object.fromEntries(families.map(each => [fileOf(each), `family:${each.binding}`])))
      return { contents: lazyCatalogue(families), resolveDir: dirname(path), loader: 'js' }
    })
    build.onLoad({ filter: /\/native\.ts$/ }, async one => {
      if (one.path !== nativesPath) return null
      const { natives } = (await import(pathToFileURL(one.path).href)) as { natives: ReadonlyMap<string, unknown> }
      await apart([], { [nativesFile]: nativesPath })
      return { contents: lazyNatives([...natives.keys()]), resolveDir: dirname(path), loader: 'js' }
    })
  },
})
