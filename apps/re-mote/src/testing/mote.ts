import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  newId,
  newSigningKeys,
  parseEnrolmentToken,
  seal,
  type EnrolAnswer,
  type Keyset,
  type Scope,
} from '@re-ops/protocols'
import { ensureTokenKey, makeTokenSigner } from '@re-ops/service'
import { curveKeyPair } from 'zeromq'
import type { FakeIdentity } from './fake-agent.ts'

/** A real re-mote service (and its broker) as a process, on a database and a state folder of its own. */
export type TestMote = {
  readonly state: string
  readonly url: string
  readonly endpoint: string
  readonly pid: number
  /** All it wrote to stderr, its log. */
  log(): string
  token(...scopes: Scope[]): Promise<string>
  ask(method: string, path: string, options?: Ask): Promise<Answer>
  signal(signal: NodeJS.Signals): void
  readonly exited: Promise<number | null>
  /** Starts it again on the same ports, after it has exited. */
  again(): Promise<void>
  stop(): Promise<void>
}
export type Ask = { readonly body?: unknown; readonly token?: string; readonly headers?: Record<string, string> }
export type Answer = { readonly status: number; readonly body: unknown; readonly headers: Headers }

const startWithinMs = 60_000
const main = () => createRequire(import.meta.url).resolve('../main.ts')

export const startMote = async (options: {
  readonly databaseUrl: string
  readonly environment?: Readonly<Record<string, string>>
}): Promise<TestMote> => {
  const state = mkdtempSync(join(tmpdir(), 'reops-mote-'))
  let ports = { http: '0', broker: '0' }
  let child: ChildProcess
  let log = ''
  let url = ''
  let endpoint = ''
  let exited = Promise.withResolvers<number | null>()
  const begin = async () => {
    exited = Promise.withResolvers<number | null>()
    child = spawn(process.execPath, [main()], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: process.env['PATH'] ?? '',
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        REOPS_STATE: state,
        DATABASE_URL: options.databaseUrl,
        REMOTE_PORT: ports.http,
        REMOTE_BROKER_PORT: ports.broker,
        REMOTE_FACTS_HOURS: '0', // nothing is asked of hosts but what a test asks
        ...options.environment,
      },
    })
    const { promise, resolve, reject } = Promise.withResolvers<{ url: string; details: { endpoint: string } }>()
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text))
    child.stdout?.resume()
    child.on('message', message => resolve(message as { url: string; details: { endpoint: string } }))
    child.on('exit', code => {
      exited.resolve(code)
      reject(new Error(`re-mote ended with ${code}: ${log.slice(-2_000)}`))
    })
    const late = setTimeout(() => reject(new Error(`re-mote is not ready: ${log.slice(-2_000)}`)), startWithinMs)
    const ready = await promise.finally(() => clearTimeout(late))
    url = ready.url
    endpoint = ready.details.endpoint
    ports = { http: new URL(url).port, broker: new URL(endpoint).port }
  }
  await begin()
  const signer = makeTokenSigner(await ensureTokenKey(state))
  const token = async (...scopes: Scope[]) => (await signer.sign({ subject: 'test', scopes })).token
  const admin = await token('admin')
  return {
    state,
    get url() {
      return url
    },
    get endpoint() {
      return endpoint
    },
    get pid() {
      return child.pid ?? 0
    },
    get exited() {
      return exited.promise
    },
    log: () => log,
    token,
    ask: async (method, path, ask = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(ask.token === '' ? {} : { authorization: `Bearer ${ask.token ?? admin}` }),
          ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...ask.headers,
        },
        ...(ask.body === undefined ? {} : { body: typeof ask.body === 'string' ? ask.body : JSON.stringify(ask.body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? null : JSON.parse(text), headers: response.headers }
    },
    signal: signal => child.kill(signal),
    again: begin,
    stop: async () => {
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), 8_000)
      await exited.promise
      clearTimeout(kill)
      rmSync(state, { recursive: true, force: true })
    },
  }
}

export const newIdentityKeys = (): Omit<FakeIdentity, 'host'> => ({ curve: curveKeyPair(), sign: newSigningKeys() })

type EnrolAs = { keys?: Omit<FakeIdentity, 'host'>; name?: string; labels?: Record<string, string> }

/** What an agent does to enrol; `null` keys are made. Answers status and body, so that refusals can be looked at. */
export const enrolWith = async (
  mote: Pick<TestMote, 'ask'>,
  token: string,
  { keys = newIdentityKeys(), name = 'fake', labels = {} }: EnrolAs = {},
): Promise<Answer & { readonly keys: Omit<FakeIdentity, 'host'> }> => {
  const parsed = parseEnrolmentToken(token)
  if (!parsed) throw new Error('not an enrolment token')
  const keyset = (await mote.ask('GET', '/v1/keyset', { token: '' })).body as Keyset
  const request = {
    secret: parsed.secret,
    curveKey: keys.curve.publicKey,
    signKey: keys.sign.publicKey,
    name,
    labels,
    instance: newId(),
    version: '0.1.0',
  }
  const sealed = await seal(keyset.sealKey, JSON.stringify(request))
  return { keys, ...(await mote.ask('POST', '/v1/enrol', { token: '', body: { sealed } })) }
}

/** Enrols one host that is allowed to. */
export const enrolHost = async (
  mote: Pick<TestMote, 'ask'>,
  { name, labels = {} }: { readonly name: string; readonly labels?: Record<string, string> },
): Promise<FakeIdentity & { readonly serverKey: string }> => {
  const made = await mote.ask('POST', '/v1/enrolments', { body: { name, labels } })
  const { token } = made.body as { token: string }
  const answer = await enrolWith(mote, token, { name })
  if (answer.status !== 200) throw new Error(`enrol answers ${answer.status} ${JSON.stringify(answer.body)}`)
  const { host, keyset } = answer.body as EnrolAnswer
  return { ...answer.keys, host, serverKey: keyset.curveServerKeys[0] as string }
}
