// Runs under plain Node 20 with nothing installed: built-in modules only.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const markerOf = root => join(root, 'node_modules', '.re-ops-installed')
const hashOf = text => createHash('sha256').update(text).digest('hex')

const packagesOf = path => JSON.parse(readFileSync(path, 'utf8')).packages ?? {}

/**
 * Whether what npm wrote down as installed holds every package of the lock in its version. Optional packages may be
 * absent: they are for other platforms.
 */
export const satisfies = (locked, installed) =>
  Object.entries(locked).every(([path, wanted]) => {
    if (!path.includes('node_modules/')) return true
    const found = installed[path]
    return found === undefined ? wanted.optional === true : found.version === wanted.version
  })

/** How many packages are installed, links to the workspaces not counted. */
export const packageCount = root =>
  Object.keys(packagesOf(join(root, 'node_modules', '.package-lock.json'))).filter(path =>
    path.includes('node_modules/'),
  ).length

/** Whether node_modules is what package-lock.json says. The marker keeps the lock's hash, so a warm start reads two files. */
export const isInstalled = root => {
  const hidden = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(hidden)) return false
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (existsSync(markerOf(root)) && readFileSync(markerOf(root), 'utf8') === hashOf(lock)) return true
  // Installed by hand, or the lock changed in ways that do not matter here: looked at once, package by package.
  if (!satisfies(JSON.parse(lock).packages ?? {}, packagesOf(hidden))) return false
  markInstalled(root)
  return true
}

export const markInstalled = root =>
  writeFileSync(markerOf(root), hashOf(readFileSync(join(root, 'package-lock.json'), 'utf8')))
