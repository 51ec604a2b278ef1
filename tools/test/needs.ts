import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'

/** What keeps a suite from running on this machine, in one line, or null. */
export type Need = () => string | null

const probeMs = 20_000
const run = (program: string, ...args: string[]) => spawnSync(program, args, { timeout: probeMs, encoding: 'utf8' })

/** A docker engine that answers, and compose. */
export const docker: Need = () => {
  const version = run('docker', 'version', '--format', '{{.Server.Os}}')
  if (version.error !== undefined) return 'there is no docker command'
  if (version.status !== 0) return 'no docker engine answers (dockerd is not running, or not for this user)'
  const compose = [
    ['docker', 'compose', 'version'],
    ['docker-compose', 'version'],
  ].some(([program = '', ...args]) => run(program, ...args).status === 0)
  return compose ? null : 'there is no docker compose'
}

export const program =
  (name: string): Need =>
  () =>
    run('sh', '-c', 'command -v "$1"', 'sh', name).status === 0 ? null : `there is no ${name}`

export const root: Need = () => (process.getuid?.() === 0 ? null : 'not root')

/** A Debian package that this machine's apt could fetch. */
export const aptHas =
  (name: string): Need =>
  () => {
    const { status, stdout } = run('apt-cache', 'policy', name)
    return status === 0 && /Candidate: \d/.test(stdout) ? null : `apt has no package ${name} (apt-get update?)`
  }

/** Network namespaces of one's own, with a veth pair. */
export const namespaces: Need = () =>
  run('unshare', '--net', 'ip', 'link', 'add', 'probe-a', 'type', 'veth', 'peer', 'name', 'probe-b').status === 0
    ? null
    : 'network namespaces with a veth pair cannot be made'

export const file =
  (path: string, mode = constants.R_OK | constants.W_OK): Need =>
  () => {
    if (!existsSync(path)) return `there is no ${path}`
    try {
      accessSync(path, mode)
      return null
    } catch {
      return `${path} is not for this user`
    }
  }

/** Only when somebody asks for it by that variable. */
export const askedBy =
  (variable: string, why: string): Need =>
  () =>
    process.env[variable] !== '1' ? `${variable}=1 is not set: ${why}` : null

/** The first that is missing. */
export const allOf =
  (...needs: readonly Need[]): Need =>
  () => {
    for (const need of needs) {
      const missing = need()
      if (missing !== null) return missing
    }
    return null
  }

export const nothing: Need = () => null
