import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { fingerprint, judgeHostKey, keyTypeOf, knownTypes, type KnownHost } from '@re-ops/protocols/ssh'
import ssh2, {
  type AnyAuthMethod,
  type CipherAlgorithm,
  type Client,
  type ConnectConfig,
  type ServerHostKeyAlgorithm,
} from 'ssh2'
import { credentialsOf, type CredentialDeps, type Credentials } from './credentials.ts'
import { gather } from './gather.ts'
import { sshLimits } from './limits.ts'
import { readyKeys } from './ready-keys.ts'
import { SshRefused } from './refused.ts'
import type { Hop } from './route.ts'

const hostKeyAlgorithms: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}
/** Processors encrypt with AES by themselves: for files that is three times as fast as what ssh2 asks for first. */
const ciphers: CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
]
/** The types that are known for the host are asked for first, so that it shows one of them. */
const hostKeyOrder = (known: readonly string[]): ServerHostKeyAlgorithm[] => {
  const types = [...known, ...Object.keys(hostKeyAlgorithms)]
  return [...new Set(types.flatMap(type => hostKeyAlgorithms[type] ?? []))]
}

/** Keys first, then the agent's, and a password only when there is nothing else left. */
const methodsOf = (username: string, { keys, agent, password }: Credentials): AnyAuthMethod[] => [
  ...keys.map((key): AnyAuthMethod => ({ type: 'publickey', username, key })),
  ...(agent === undefined ? [] : [{ type: 'agent', username, agent } as const]),
  ...(password === undefined
    ? []
    : [
        {
          type: 'keyboard-interactive',
          username,
          prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => password)),
        } satisfies AnyAuthMethod,
        { type: 'password', username, password } as const,
      ]),
]

type Judged = { readonly trusted: boolean; readonly why: string; readonly isNew: boolean }
const judge = (hop: Hop, known: readonly KnownHost[], key: Uint8Array): Judged => {
  const verdict = judgeHostKey(known, hop.knownAs, key)
  const shown = `${keyTypeOf(key)} ${fingerprint(key)}`
  const no = (why: string): Judged => ({ trusted: false, why: `host key of ${hop.knownAs}: ${why}`, isNew: false })
  switch (verdict.kind) {
    case 'known':
      return { trusted: true, why: '', isNew: false }
    case 'unknown':
      if (hop.acceptNew) return { trusted: true, why: '', isNew: true }
      return no(
        `${shown} is unknown; compare it with the host's (ssh-keygen -lf), then trust it: --host-key with that key, or --accept-new`,
      )
    case 'changed':
      return no(
        `${shown} is not the key that is known (${verdict.fingerprint}, ${verdict.where}): somebody may stand in between, or the host was made anew; --host-key replaces the known key`,
      )
    case 'revoked':
      return no(`${shown} is revoked (${verdict.where})`)
    case 'authority':
      return no(`only an authority is known (${verdict.where}), whose certificates need backend openssh`)
  }
}

const dial = (hop: Hop, signal: AbortSignal): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    // Without TCP_NODELAY every small packet waits 40 ms for an acknowledgement.
    const socket = connectTcp({ host: hop.address, port: hop.port, noDelay: true, keepAlive: true })
    const fail = (error: NodeJS.ErrnoException) => {
      socket.destroy()
      const why = error.code ?? error.message
      reject(new SshRefused('connection', `cannot connect to ${hop.address} port ${hop.port}: ${why}`))
    }
    const timer = setTimeout(() => fail(new Error(`no answer within ${sshLimits.connectMs} ms`)), sshLimits.connectMs)
    const abort = () => fail(new Error('given up'))
    signal.addEventListener('abort', abort, { once: true })
    const settled = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
    }
    socket.once('error', error => {
      settled()
      fail(error)
    })
    socket.once('connect', () => {
      settled()
      socket.removeAllListeners('error')
      resolve(gather(socket))
    })
  })

/** A stream to the next hop, through a connection that stands. */
const dialThrough = (through: Client, hop: Hop): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    through.forwardOut('127.0.0.1', 0, hop.address, hop.port, (error, stream) => {
      if (!error) return resolve(stream)
      reject(
        new SshRefused(
          'connection',
          `the jump host cannot connect to ${hop.address} port ${hop.port}: ${error.message}`,
        ),
      )
    })
  })

type LevelledError = Error & { readonly level?: string }
const refusalOf = (hop: Hop, error: LevelledError, methods: readonly AnyAuthMethod[], more: string): SshRefused => {
  const where = `${hop.user}@${hop.address} port ${hop.port}`
  if (error.level === 'client-authentication') {
    const tried = [...new Set(methods.map(method => method.type))].join(', ')
    return new SshRefused('authentication', `${where} does not let us in (tried ${tried}${more})`)
  }
  return new SshRefused('connection', `${where}: ${error.message}`)
}

/** Connects one hop: TCP (or through the hop before), the host key, then who we are. Throws SshRefused; nothing was started then. */
export const connectHop = async (
  deps: CredentialDeps,
  hop: Hop,
  through: Client | null,
  signal: AbortSignal,
): Promise<Client> => {
  const [known, credentials] = await Promise.all([
    deps.folder.knownHosts(hop.knownHostsFiles),
    credentialsOf(deps, hop),
  ])
  signal.throwIfAborted()
  const sock = through ? await dialThrough(through, hop) : await dial(hop, signal)
  const client = new ssh2.Client()
  readyKeys(client)
  const methods = methodsOf(hop.user, credentials)
  let refusal: SshRefused | null = null
  let fresh: Buffer | null = null
  let agentError = ''
  const config: ConnectConfig = {
    sock,
    username: hop.user,
    authHandler: methods,
    readyTimeout: sshLimits.connectMs,
    keepaliveInterval: sshLimits.keepaliveMs,
    keepaliveCountMax: sshLimits.keepalivesMissedMax,
    algorithms: { serverHostKey: hostKeyOrder(knownTypes(known, hop.knownAs)), cipher: ciphers },
    hostVerifier: (key: Buffer) => {
      const { trusted, why, isNew } = judge(hop, known, key)
      if (!trusted) refusal = new SshRefused('host key', why)
      if (isNew) fresh = key
      return trusted
    },
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(new SshRefused('connection', 'given up while connecting'))
  signal.addEventListener('abort', abort, { once: true })
  client.on('ready', resolve)
  client.on('error', (error: LevelledError) => {
    // An agent that does not answer is passed over; what is left is tried.
    if (error.level === 'agent') agentError = `; the ssh-agent cannot be used: ${error.message}`
    else reject(refusal ?? refusalOf(hop, error, methods, agentError))
  })
  client.on('close', () => reject(refusal ?? new SshRefused('connection', `${hop.address} closed the connection`)))
  try {
    client.connect(config)
    await promise
    // By now the host has proved that it holds the key. It is written down before anything is asked of the host.
    if (fresh) await deps.folder.addKnownHost(hop.knownAs, fresh)
    return client
  } catch (error) {
    client.destroy()
    sock.destroy()
    if (error instanceof SshRefused) throw error
    throw new SshRefused('connection', `${hop.address}: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
