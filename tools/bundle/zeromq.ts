import type { Plugin } from 'esbuild'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const zeromqFolder = (): string => dirname(createRequire(import.meta.url).resolve('zeromq/package.json'))

/**
 * In the bundle of a service zeromq stays a package: its loader looks for the addon beside itself and does not survive bundling.
 * Only what Node needs at run time on this processor is taken: 3 MB instead of 34.
 */
export const shipZeromq = async (folder: string): Promise<void> => {
  const zeromq = zeromqFolder()
  const loader = dirname(createRequire(join(zeromq, 'package.json')).resolve('cmake-ts/build/loader'))
  const target = join(folder, 'node_modules/zeromq')
  await mkdir(target, { recursive: true })
  for (const file of ['package.json', 'LICENSE.txt']) await copyIfThere(join(zeromq, file), join(target, file))
  await cp(join(zeromq, 'lib'), join(target, 'lib'), { recursive: true, filter: notTypes })
  await shipAddons(join(zeromq, 'build'), join(target, 'build'))
  const cmake = join(folder, 'node_modules/cmake-ts')
  await mkdir(join(cmake, 'build'), { recursive: true })
  await cp(join(loader, '..', 'package.json'), join(cmake, 'package.json'))
  await cp(join(loader, 'loader.js'), join(cmake, 'build/loader.js'))
}

const notTypes = (path: string) => !/(\.d\.ts|\.map|\.tsbuildinfo|\/ts3\.7)$/.test(path)
const copyIfThere = async (from: string, to: string) => (existsSync(from) ? cp(from, to) : undefined)

type Addon = { readonly text: string; readonly path: string; readonly abi: number }

/** The manifest names an addon for every platform; those of this one that Node 24 may load are kept, the newest first. */
const addonsIn = (build: string): readonly Addon[] => {
  const manifest = JSON.parse(readFileSync(join(build, 'manifest.json'), 'utf8')) as Record<string, string>
  const kept = Object.entries(manifest).flatMap(([text, path]) => {
    const { os, arch, libc, abi } = JSON.parse(text) as { os: string; arch: string; libc: string; abi: number }
    return os === 'linux' && arch === process.arch && libc === 'glibc' && abi >= 115 ? [{ text, path, abi }] : []
  })
  if (kept.length === 0) throw new Error(`zeromq ships no addon for linux ${process.arch} with glibc`)
  return kept.toSorted((a, b) => b.abi - a.abi)
}

const shipAddons = async (from: string, to: string): Promise<void> => {
  const kept = addonsIn(from)
  await mkdir(to, { recursive: true })
  for (const { path } of kept) await cp(join(from, path), join(to, path), { recursive: true })
  await writeFile(join(to, 'manifest.json'), JSON.stringify(Object.fromEntries(kept.map(one => [one.text, one.path]))))
}

const nameOf = ({ abi }: Addon): string => `zeromq-${abi}.node`

/**
 * In the bundle of a host zeromq is part of the program, and the addon that loads here is taken from beside it: the
 * package's loader reads manifests and loads what else it needs, 3 MB and some milliseconds of every start.
 */
export const zeromqPlugin: Plugin = {
  name: 'zeromq',
  setup(build) {
    const loads = addonsIn(join(zeromqFolder(), 'build')).map(addon => `() => require('./${nameOf(addon)}')`)
    build.onResolve({ filter: /^\.\/zeromq-\d+\.node$/ }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /\/zeromq\/lib\/load-addon\.js$/ }, () => ({
      contents: `let failure
for (const load of [${loads.join(', ')}])
  try {
    module.exports = load()
    failure = undefined
    break
  } catch (error) {
    failure ??= error // an addon may need a newer libc than this host has
  }
if (failure) throw failure`,
      loader: 'js',
    }))
  },
}

/** Puts the addons beside the program of a host. */
export const shipZeromqAddons = async (folder: string): Promise<void> => {
  const build = join(zeromqFolder(), 'build')
  for (const addon of addonsIn(build)) await cp(join(build, addon.path), join(folder, nameOf(addon)))
}
