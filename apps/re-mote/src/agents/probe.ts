import type { AgentBundle } from './bundle.ts'
import { glibcMin } from './bundle.ts'
import type { HostShell } from './host-shell.ts'
import { probeScript } from './scripts.ts'

/** What a host is, and what of an agent is there already. */
export type Probe = {
  readonly init: 'systemd' | 'plain'
  /** The build that is started there. */
  readonly current: string | null
  /** Whether the build that is to be deployed is there, whole. */
  readonly has: boolean
  /** Whose identity its state holds. */
  readonly host: string | null
}
type Said = Readonly<Record<string, string>>

const roomFactor = 1.2

const libcFault = (libc: string): string | null => {
  const [, major, minor] = /^glibc (\d+)\.(\d+)/.exec(libc) ?? []
  if (major === undefined) return `it has ${libc || 'no libc that says what it is'}; the agent needs glibc`
  const enough = Number(major) > glibcMin[0] || (Number(major) === glibcMin[0] && Number(minor) >= glibcMin[1])
  return enough ? null : `it has ${libc}; the agent needs glibc ${glibcMin.join('.')} or newer`
}

/** Why no agent of this bundle can be there, in a line, or null. */
export const whyNot = (said: Said, bundle: AgentBundle, prefix: string): string | null => {
  if (said['os'] !== 'Linux') return `it is ${said['os'] || 'unknown'}; the agent is for Linux`
  if (said['machine'] !== bundle.machine)
    return `it is ${said['machine'] || 'unknown'}; the agent of this service is for ${bundle.machine}`
  const libc = libcFault(said['libc'] ?? '')
  if (libc !== null) return libc
  const missing = (said['missing'] ?? '').trim()
  if (missing !== '') return `it has no ${missing.replaceAll(' ', ', ')}`
  if (said['writable'] !== 'yes') return `uid ${said['uid']} may not write ${prefix}`
  const neededKb = Math.ceil((bundle.unpackedBytes * roomFactor) / 1024)
  const freeKb = Number(said['freeKb'])
  if (said['has'] !== 'yes' && Number.isFinite(freeKb) && freeKb < neededKb)
    return `${prefix} has ${Math.floor(freeKb / 1024)} MiB free; ${Math.ceil(neededKb / 1024)} are needed`
  return null
}

const linesOf = (text: string): Said =>
  Object.fromEntries(
    text.split('\n').flatMap(line => {
      const at = line.indexOf('=')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : []
    }),
  )

/** Looks at a host before anything is done there; a text says why nothing can be. */
export const probe = async (shell: HostShell, bundle: AgentBundle, prefix: string): Promise<Probe | string> => {
  const said = linesOf(await shell.run(probeScript, [prefix, bundle.build]))
  const why = whyNot(said, bundle, prefix)
  if (why !== null) return why
  return {
    init: said['init'] === 'systemd' ? 'systemd' : 'plain',
    current: said['current'] || null,
    has: said['has'] === 'yes',
    host: said['host'] || null,
  }
}
