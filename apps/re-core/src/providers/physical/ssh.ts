import { ProviderError } from '@re-ops/protocols'
import { fingerprint, keyTypeOf } from '@re-ops/protocols/ssh'
import type { AnyAuthMethod, Client, ClientChannel, ParsedKey } from 'ssh2'
import type { Machine } from './settings.ts'

/** `code` null: the connection ended before the command told its own. */
export type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string }
/** Throws ProviderError: `transient` when it does not answer, `invalid` when it is not the one that is meant or does not let us in. */
export type Ssh = (machine: Machine, command: string, signal: AbortSignal, stdin?: string) => Promise<Ran>

const loginMs = 10_000
const outputMax = 4_096

const refuse = (why: string): ProviderError => new ProviderError('invalid', 'not-applied', why)
const away = (why: string): ProviderError => new ProviderError('transient', 'not-applied', why)
/** Loaded at the first command. */
const library = async () => (await import('ssh2')).default

const parsed = async (secret: string): Promise<ParsedKey> => {
  const found = (await library()).utils.parseKey(secret)
  const key = Array.isArray(found) ? found[0] : found
  if (key === undefined || key instanceof Error || !key.isPrivateKey())
    throw refuse('the secret of the account cannot be used as a private key; allowed: one without passphrase')
  return key
}

type LevelledError = Error & { readonly level?: string; readonly code?: string }

/** A connection that is let in, at a host that proved to hold the key that is known. */
const login = async (machine: Machine, key: ParsedKey, signal: AbortSignal): Promise<Client> => {
  const { name, address, port, user, hostKey } = machine
  const where = `${name}: ${user}@${address} port ${port}`
  const client = new (await library()).Client()
  const methods: AnyAuthMethod[] = [{ type: 'publickey', username: user, key }]
  let refusal: ProviderError | null = null
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(away(`${where}: the login was given up at its deadline`))
  signal.addEventListener('abort', abort, { once: true })
  client.on('ready', resolve)
  client.on('error', ({ level, code }: LevelledError) => {
    if (level === 'client-authentication') refusal = refuse(`${where} does not let the account's key in`)
    reject(refusal ?? away(`${where}: ${code ?? level ?? 'the connection broke'}`))
  })
  client.on('close', () => reject(refusal ?? away(`${where}: the connection was closed`)))
  const verify = (shown: Buffer): boolean => {
    if (fingerprint(shown) === hostKey) return true
    const said = `${where} shows the host key ${keyTypeOf(shown)} ${fingerprint(shown)}`
    refusal = refuse(`${said}; allowed by the settings' machines.${name}.hostKey: ${hostKey}`)
    return false
  }
  try {
    signal.throwIfAborted()
    client.connect({
      host: address,
      port,
      username: user,
      authHandler: methods,
      readyTimeout: loginMs,
      hostVerifier: verify,
    })
    await promise
    return client
  } catch (error) {
    client.destroy()
    throw error instanceof ProviderError ? error : away(`${where}: the login was given up at its deadline`)
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const collect = (stream: { on(event: 'data', take: (chunk: Buffer) => void): unknown }): (() => string) => {
  let text = ''
  stream.on('data', chunk => (text = `${text}${chunk.toString()}`.slice(0, outputMax)))
  return () => text
}

/** To its end, or to the end of the connection: a machine that powers off takes its sshd along. */
const ended = (client: Client, channel: ClientChannel, signal: AbortSignal, stdin: string): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const [stdout, stderr] = [collect(channel), collect(channel.stderr)]
    let code: number | null = null
    const end = () => {
      signal.removeEventListener('abort', abort)
      resolve({ code, stdout: stdout(), stderr: stderr() })
    }
    const abort = () => reject(new ProviderError('transient', 'unknown', 'the command was given up at its deadline'))
    signal.addEventListener('abort', abort, { once: true })
    channel.on('exit', (status: number | null) => (code = status))
    channel.on('close', end)
    channel.on('error', end)
    client.once('close', end)
    channel.end(stdin)
  })

/** Commands on machines, each over a connection of its own. The secret is the account's private key. */
export const makeSsh = (secret: string): Ssh => {
  let key: Promise<ParsedKey> | null = null
  return async (machine, command, signal, stdin = '') => {
    key ??= parsed(secret)
    const client = await login(machine, await key, signal)
    try {
      const channel = await new Promise<ClientChannel>((resolve, reject) => {
        const lost = () => reject(away(`${machine.name}: its sshd opens no session`))
        client.once('close', lost)
        client.exec(command, (error, opened) => (error ? lost() : resolve(opened)))
      })
      return await ended(client, channel, signal, stdin)
    } finally {
      client.end()
      client.destroy()
    }
  }
}
