// Runs under plain Node 20 with nothing installed: built-in modules only.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What the product runs with, and all that its tests and tools need as well (npm's devDependencies). */
export const levels = ['product', 'all']
const markerOf = (root, level) => join(root, 'node_modules', `.re-ops-installed-${level}`)
const hashOf = text => createHash('sha256').update(text).digest('hex')

const packagesOf = path => JSON.parse(readFileSync(path, 'utf8')).packages ?? {}

/**
 * Whether what npm wrote down as installed holds every package of the lock (of that level) in its version. Optional
 * packages may be absent: they are for other platforms.
 */
export const satisfies = (locked, installed, level = 'all') =>
  Object.entries(locked).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true
    if (level === 'product' && (wanted.dev === true || wanted.devOptional === true)) return true
    const found = installed[path]
    return found === undefined ? wanted.optional === true : found.version === wanted.version
  })

/** How many packages are installed, links to the workspaces not counted. */
export const packageCount = root =>
  Object.keys(packagesOf(join(root, 'node_modules', '.package-lock.json'))).filter(path =>
    path.includes('node_modules/'),
  ).length

/** Whether node_modules holds what package-lock.json says. The marker keeps the lock's hash, so a warm start reads two files. */
export const isInstalled = (root, level = 'all') => {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const marker = markerOf(root, level)
  if (existsSync(marker) && readFileSync(marker, 'utf8') === hashOf(lock)) return true
  // Installed by hand, or the lock changed in ways that do not matter here: looked at once, package by package.
  if (!satisfies(JSON.parse(lock).packages ?? {}, packagesOf(hidden), level)) return false
  markInstalled(root, level)
  return true
}

export const markInstalled = (root, level = 'all') => {
  const hash = hashOf(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  for (const one of levels.slice(0, levels.indexOf(level) + 1)) writeFileSync(markerOf(root, one), hash)
}
