import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { SshSettings } from '@re-ops/protocols'
import { addSshUser, freePort, keygen, startMote, type Answer } from '@re-ops/re-mote/testing'
import { testPool, testPostgres } from '@re-ops/service/testing'
import { agentProgram } from '../../bundle/agent-program.ts'
import { rowsOf } from './rows.ts'
import { makeSaid } from './said.ts'

/** A secret in every place where re-mote is given one. */
export const sshCanaries = {
  'the password of a user': 'canary/of a+pass\'word="Kx4$Vn',
  'a password that is wrong': 'canary/of+wrong=password-Mz9qLc',
  'the passphrase of a key': 'canary/of+pass=phrase-Rd2wHs',
  'a passphrase that is wrong': 'canary/of+wrong=phrase-Jf8yTb',
  'a text that is no key': 'canary/of+no=key-at-all-Nu5gXe',
  'what a bad request held': 'canary/of+bad=request-Cp6kWo',
  'a bearer token that is none': 'canary-of-a-bearer-token-Ed5rTf',
} as const

/** A line of a private key that no other key has. */
const lineOf = (key: string): string => key.split('\n')[3] ?? ''

/** re-mote as the process it is, a real sshd with a user of its own, and all that was ever said. */
export const openSshStage = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-c-'))
  const password = sshCanaries['the password of a user']
  const agent = await agentProgram()
  cpSync(dirname(agent), join(folder, 'shipped'), { recursive: true })
  const [postgres, user] = await Promise.all([testPostgres(), addSshUser(`reops-c${process.pid}`, password)])
  const pool = testPool(postgres.url)
  const environment = { REMOTE_AGENT: join(folder, 'shipped'), REOPS_LOG_LEVEL: 'debug' }
  const mote = await startMote({ databaseUrl: postgres.url, environment })
  const admin = await mote.token('admin')
  const { said, reply, follow, reops, metrics } = makeSaid(async () => ({
    REOPS_MOTE_URL: mote.url,
    REOPS_TOKEN: admin,
  }))
  keygen(join(folder, 'locked'), '-t', 'ed25519', '-N', sshCanaries['the passphrase of a key'])
  const locked = readFileSync(join(folder, 'locked'), 'utf8')
  const ask = async (method: string, path: string, body?: unknown, token?: string): Promise<Answer> => {
    const more = { ...(body === undefined ? {} : { body }), ...(token === undefined ? {} : { token }) }
    return reply(method, path, await mote.ask(method, path, more))
  }
  const listen = () => void follow(`${mote.url}/v1/events`, admin).catch(() => undefined) // it ends with the service
  listen()
  return {
    mote,
    user,
    said,
    ask,
    reops,
    admin,
    /** Where agents are put. */
    prefix: join(folder, 'agent'),
    nowhere: await freePort(),
    /** What is stored as `secret:ssh/NAME`. */
    secrets: {
      key: user.sshd.key,
      locked,
      password,
      wrong: sshCanaries['a password that is wrong'],
      passphrase: sshCanaries['the passphrase of a key'],
      'wrong-phrase': sshCanaries['a passphrase that is wrong'],
      'no-key': sshCanaries['a text that is no key'],
    },
    /** Parts of private keys, which are secrets as well. */
    keyLines: { 'a private key': lineOf(user.sshd.key), 'a locked private key': lineOf(locked) },
    addHost: (name: string, ssh: Partial<SshSettings>, hostKeys: readonly string[] = user.sshd.hostKeys) => {
      const settings = { address: '127.0.0.1', port: user.sshd.port, user: user.name, ...ssh }
      return ask('POST', '/v1/hosts', { name, labels: { of: 'canary' }, ssh: settings, hostKeys })
    },
    /** Kills it (-9) and starts it again. */
    restart: async () => {
      mote.signal('SIGKILL')
      await mote.exited
      await mote.again()
      listen()
    },
    metrics: () => metrics(mote.url),
    rows: () => rowsOf(pool),
    stop: async () => {
      await Promise.all([mote.stop(), user.remove()])
      await pool.end()
      await postgres.drop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type SshStage = Awaited<ReturnType<typeof openSshStage>>
