import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const tryWithinMs = 2_000
/** Not by PATH: the process may be given an environment without one. */
const places = ['/usr/bin/setpriv', '/bin/setpriv']
const options = ['--pdeathsig', 'KILL', '--']
let prefix: readonly string[] | undefined

/**
 * The command, so started that the kernel kills it when this process dies. Code that loops for ever never hears that its channel
 * has closed; kill -9 of its starter would leave it running. By setpriv of util-linux; without it the command is as given.
 */
export const endsWithUs = (argv: readonly string[]): readonly string[] => {
  prefix ??= tie()
  return [...prefix, ...argv]
}

/** busybox has a setpriv of its own, which does not know this: so it is tried once. */
const tie = (): readonly string[] => {
  const setpriv = places.find(path => existsSync(path))
  if (setpriv === undefined) return []
  const tried = spawnSync(setpriv, [...options, process.execPath, '--version'], {
    stdio: 'ignore',
    timeout: tryWithinMs,
  })
  return tried.status === 0 ? [setpriv, ...options] : []
}
