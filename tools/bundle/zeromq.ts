import { existsSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * zeromq stays a package: its loader looks for the addon beside itself and does not survive bundling.
 * Only what Node needs at run time on this processor is taken: 3 MB instead of 34.
 */
export const shipZeromq = async (folder: string): Promise<void> => {
  const require = createRequire(import.meta.url)
  const zeromq = dirname(require.resolve('zeromq/package.json'))
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

/** The manifest names an addon for every platform; those of this one that Node 24 may load are kept. */
const shipAddons = async (from: string, to: string): Promise<void> => {
  const manifest = JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8')) as Record<string, string>
  const kept = Object.entries(manifest).filter(([text]) => {
    const { os, arch, libc, abi } = JSON.parse(text) as { os: string; arch: string; libc: string; abi: number }
    return os === 'linux' && arch === process.arch && libc === 'glibc' && abi >= 115
  })
  if (kept.length === 0) throw new Error(`zeromq ships no addon for linux ${process.arch} with glibc`)
  await mkdir(to, { recursive: true })
  for (const [, path] of kept) await cp(join(from, path), join(to, path), { recursive: true })
  await writeFile(join(to, 'manifest.json'), JSON.stringify(Object.fromEntries(kept)))
}
