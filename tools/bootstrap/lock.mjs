// Runs under plain Node 20 with nothing installed: built-in modules only.
/**
 * A registry mirror may lack packages for other platforms; npm then leaves them out of package-lock.json without a word,
 * and `npm ci` refuses that lock everywhere. Their versions are pinned by the packages that name them, so the entries can
 * be completed (without a digest, which only the package itself could give).
 */
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const platform = new RegExp(`(?:^|[/-])(${systems.join('|')})-([a-z]+[0-9a-z]*)(?:-([a-z0-9]+))?$`)

/** `@oxlint/binding-linux-x64-musl` -> {os: ['linux'], cpu: ['x64'], libc: ['musl']}; null when the name tells none. */
export const platformOf = name => {
  const match = platform.exec(name)
  if (!match) return null
  const [, os, cpu, abi = ''] = match
  const libc = os !== 'linux' ? null : abi.startsWith('musl') ? 'musl' : abi.startsWith('gnu') ? 'glibc' : null
  return { cpu: [cpu], ...(libc === null ? {} : { libc: [libc] }), os: [os] }
}

/** Optional packages for one platform that the lock names but does not hold: [{name, version}]. */
export const missingFrom = packages => {
  const found = new Map()
  for (const [path, entry] of Object.entries(packages))
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {}))
      if (!packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`] && platformOf(name))
        found.set(name, { name, version: version.replace(/^[\^~]/, ''), dev: entry.dev === true })
  return [...found.values()]
}

/** The packages of a lock with what is missing, in npm's order. */
export const completed = packages => {
  const added = missingFrom(packages).map(({ name, version, dev }) => [
    `node_modules/${name}`,
    { version, ...platformOf(name), ...(dev ? { dev: true } : {}), optional: true },
  ])
  const [root, ...rest] = Object.entries(packages)
  return Object.fromEntries([root, ...[...rest, ...added].sort(([a], [b]) => a.localeCompare(b, 'en'))])
}
