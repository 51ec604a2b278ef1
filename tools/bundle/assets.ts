import type { Plugin } from 'esbuild'
import { cp, readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** Folders that a package reads at run time, beside its code. */
const folders: Readonly<Record<string, readonly string[]>> = { '@fastify/swagger-ui': ['static'] }

/** Every bundle begins with this: CommonJS packages inside it may `require` node's own modules and ask where they are. */
export const banner = [
  `import { createRequire as createRequireOfBundle } from 'node:module'`,
  `const require = createRequireOfBundle(import.meta.url)`,
  `const bundleFolder = import.meta.dirname`,
].join('\n')

type Place = { readonly name: string; readonly folder: string }

/** The package a file belongs to, by its last `node_modules/` part. */
const packageOf = (path: string): Place | null => {
  const match = /^(.*[\\/]node_modules[\\/])((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)
  return match ? { name: match[2] as string, folder: `${match[1]}${match[2]}` } : null
}

export type Assets = Map<string, string>

/** `__dirname` of a package becomes `assets/<package>/...` beside the bundle; the packages met are noted in `met`. */
export const assetsPlugin = (met: Assets): Plugin => ({
  name: 'assets',
  setup(build) {
    build.onLoad({ filter: /[\\/]node_modules[\\/].*\.(js|cjs)$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const place = packageOf(path)
      if (!place || !/\b__dirname\b/.test(source)) return { contents: source, loader: 'js' }
      met.set(place.name, place.folder)
      const inside = relative(place.folder, dirname(path)).split(sep)
      const folder = ['assets', ...place.name.split(sep), ...inside].filter(part => part !== '').join('/')
      return { contents: source.replace(/\b__dirname\b/g, `(bundleFolder + '/${folder}')`), loader: 'js' }
    })
  },
})

/** Copies the listed folders of the packages met. */
export const shipAssets = async (met: Assets, target: string): Promise<void> => {
  for (const [name, folder] of met)
    for (const asset of folders[name] ?? [])
      await cp(join(folder, asset), join(target, 'assets', name, asset), { recursive: true })
}
