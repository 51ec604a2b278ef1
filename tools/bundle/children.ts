import type { Plugin } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'

/**
 * Programs and files beside a source, as sources name them: `new URL('./broker/main.ts', import.meta.url)`.
 * In a bundle every module has the bundle's own address, so the name is rewritten to that of the file put beside it:
 * a source becomes a bundle of its own, anything else is copied.
 */
const reference = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\1,\s*import\.meta\.url,?\s*\)/g

/** The name a source gets beside the bundle: `broker/main.ts` is broker.mjs, `guard.ts` guard.mjs, `re-gent/src/main.ts` re-gent.mjs. */
export const outputName = (path: string, extension = '.mjs'): string => {
  if (basename(path) === 'package.json') return `${basename(dirname(path))}.package.json` // the bundle has its own
  if (!/\.(ts|mjs|js)$/.test(path)) return basename(path)
  const names = path.replace(/\.(ts|mjs|js)$/, '').split('/')
  return `${names.findLast(name => !['main', 'index', 'src'].includes(name))}${extension}`
}

/** What `import.meta.url` is in CommonJS. */
const fileUrl = `require('node:url').pathToFileURL(__filename)`

export type Children = {
  readonly programs: Map<string, string>
  readonly files: Map<string, string>
  /** Of the programs: `.mjs`, or `.cjs`. */
  readonly extension: string
}

const remember = (known: Map<string, string>, name: string, path: string): void => {
  const other = known.get(name)
  if (other !== undefined && other !== path)
    throw new Error(`${other} and ${path} would both be ${name} in the bundle; rename one`)
  known.set(name, path)
}

/**
 * What a program loads only when it needs it (`await import('./live/live.ts')`) is a file of its own beside it: in one text it would
 * cost its memory from the start, and keep whole whatever it imports.
 */
export const laterPlugin = (children: Children): Plugin => ({
  name: 'later',
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import') return null
      const file = resolve(resolveDir, path)
      const name = outputName(file, children.extension)
      remember(children.programs, name, file)
      return { path: `./${name}`, external: true }
    })
  },
})

/** Notes every program and file named by the sources under `root` and rewrites the names. */
export const childrenPlugin = (root: string, children: Children): Plugin => ({
  name: 'children',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!path.startsWith(root) || path.includes('/node_modules/')) return null
      const source = await readFile(path, 'utf8')
      const contents = source.replace(reference, (_, _quote: string, target: string) => {
        const file = resolve(dirname(path), target)
        const name = outputName(file, children.extension)
        remember(name.endsWith(children.extension) ? children.programs : children.files, name, file)
        return `new URL('./${name}', ${children.extension === '.cjs' ? fileUrl : 'import.meta.url'})`
      })
      return { contents, loader: 'ts' }
    })
  },
})
