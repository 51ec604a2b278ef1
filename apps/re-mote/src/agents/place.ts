import { createReadStream } from 'node:fs'
import type { AgentBundle } from './bundle.ts'
import type { HostShell } from './host-shell.ts'
import {
  configureScript,
  copyScript,
  logScript,
  removeScript,
  startScript,
  stopScript,
  tidyScript,
  unitOf,
} from './scripts.ts'

/** The place of an agent on one host: what is done there, one step each. All may be done again. */
export type Place = {
  /** Streams the archive there and unpacks it beside what runs. */
  copy(bundle: AgentBundle): Promise<void>
  /** Forgets the state of an earlier agent and says to a new one who it will be. */
  configure(config: object): Promise<void>
  start(build: string): Promise<void>
  stop(): Promise<void>
  remove(): Promise<void>
  /** Takes away builds but these two, and the token that has been used. */
  tidy(build: string, before: string | null): Promise<void>
  /** What the agent said last, for people; empty when the host does not tell. */
  log(): Promise<string>
}

const copyTimeoutMs = 10 * 60_000
/** Without systemd nothing but the next start shortens the log, so only what matters is in it. */
const plainLogLevel = 'warn'
const saidMax = 400

export const makePlace = (shell: HostShell, prefix: string): Place => {
  const unit = unitOf(prefix)
  const does = async (...[script, args, options]: Parameters<HostShell['run']>) => {
    await shell.run(script, args, options)
  }
  return {
    copy: ({ archive, build }) =>
      does(copyScript, [prefix, build], { input: createReadStream(archive), timeoutMs: copyTimeoutMs }),
    configure: config => does(configureScript, [prefix], { stdin: JSON.stringify(config) }),
    start: build => does(startScript, [prefix, build, unit, plainLogLevel]),
    stop: () => does(stopScript, [prefix, unit]),
    remove: () => does(removeScript, [prefix, unit]),
    tidy: (build, before) => does(tidyScript, [prefix, build, before ?? build]),
    log: async () => {
      const text = await shell.run(logScript, [prefix, unit]).catch(() => '')
      return text
        .trim()
        .split('\n')
        .slice(-3)
        .map(line => line.slice(0, saidMax))
        .join('; ')
    },
  }
}
