import { makeCollector } from '@re-ops/outputs'
import { newId } from '@re-ops/protocols'
import type { Readable } from 'node:stream'
import { become } from '../ssh/become.ts'
import { requiredText, type CredentialDeps } from '../ssh/credentials.ts'
import type { SshHost } from '../ssh/host.ts'
import type { Pool } from '../ssh/pool.ts'
import type { CommandEnd } from '../ssh/remote.ts'

export type HostShellDeps = CredentialDeps & { readonly pool: Pool }
export type ScriptOptions = {
  /** What the script reads first; the place for secrets, which arguments are not. */
  readonly stdin?: string
  readonly input?: Readable
  readonly timeoutMs?: number
}
/** `sh` on one host, for work of the service itself. */
export type HostShell = {
  /** What the script wrote. Throws SshRefused, or HostFault when it did not end with 0. */
  run(script: string, args: readonly string[], options?: ScriptOptions): Promise<string>
}

/** A script on a host that did not end well, in a line. */
export class HostFault extends Error {
  override readonly name = 'HostFault'
  readonly kind: 'exit' | 'timeout' | 'lost' | 'unreachable'
  readonly code: number | undefined
  constructor(kind: HostFault['kind'], message: string, code?: number) {
    super(message)
    this.kind = kind
    this.code = code
  }
}

const outputBytesMax = 65_536
const scriptTimeoutMs = 60_000

const outputOf = (end: CommandEnd, timeoutMs: number): string => {
  switch (end.kind) {
    case 'refused':
      throw new HostFault('unreachable', end.why)
    case 'broken':
      throw new HostFault('lost', `${end.why} while a script ran`)
    case 'aborted':
      throw new HostFault('timeout', `the host was not done in ${timeoutMs} ms, or the service stopped`)
    case 'ended': {
      const said = end.stderr.trim().split('\n').slice(-5).join('; ').slice(0, 1_000)
      if (end.code === 0) return end.stdout
      throw new HostFault('exit', said || `sh ended with ${end.code ?? end.signal}`, end.code ?? undefined)
    }
  }
}

/** Keeps a connection to the host while `use` works with it; `root`: as root, by sudo where somebody else logs in. */
export const withHostShell = async <T>(
  deps: HostShellDeps,
  { host, root }: { readonly host: SshHost; readonly root: boolean },
  signal: AbortSignal,
  use: (shell: HostShell) => Promise<T>,
): Promise<T> => {
  const lease = await deps.pool.use(host, signal)
  try {
    const { become: secret } = host.settings
    const sudo = root && lease.user !== 'root'
    const password = sudo && secret !== undefined ? await requiredText(deps, secret) : undefined
    return await use({
      run: async (script, args, { stdin, input, timeoutMs = scriptTimeoutMs } = {}) => {
        const id = newId()
        const plan = {
          argv: ['sh', '-c', script, 're-ops', ...args],
          env: {},
          stdin,
          become: root ? { user: 'root' } : undefined,
        }
        const { as, ...whole } = become(plan, id, lease.user, password)
        const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
        const streams = { stdout: makeCollector(outputBytesMax), stderr: makeCollector(outputBytesMax) }
        const command = { id, ...whole, cwd: '/', streams, ...(input ? { input } : {}) }
        return outputOf(await lease.channels.run(command, { signal: limit, onStarted: () => undefined, as }), timeoutMs)
      },
    })
  } finally {
    lease.release()
  }
}
