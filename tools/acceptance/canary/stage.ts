import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeService, testDatabase, until, type Reply } from '@re-ops/re-core/testing'
import { testPool } from '@re-ops/service/testing'
import { startFakeDigitalOcean } from '../../stand-ins/digitalocean/fake.ts'
import { startFakeEc2 } from '../../stand-ins/ec2/fake.ts'
import { rowsOf } from './rows.ts'
import { makeSaid } from './said.ts'

/** A secret in every place where re-core is given one. */
export const canaries = {
  'secret key of EC2': 'canary/of+EC2=secret-Zq8wJx',
  'token of DigitalOcean': 'dop_v1_canary/of+DO=token-Yk7pLm',
  'user-data': 'canary/of+user=data-Hn4tRs',
  'user-data by reference': 'canary/of+referred=data-Bv2cDf',
  'a file that is no key': 'canary-of-a-file-without-its-colon-Gt6y',
  'password in a libvirt URI': 'canary-of-a-libvirt-password-Pw9u',
  'what a bad request held': 'canary/of+bad=request-Ws3eQz',
  'a bearer token that is none': 'canary-of-a-bearer-token-Ed5rTf',
} as const

const settleEveryMs = 50
const patienceMs = 120_000

/** re-core as the process it is, with an account at each of two clouds' stand-ins, and all that it ever said. */
export const openCanaryStage = async () => {
  const [ec2, droplets, database] = await Promise.all([
    startFakeEc2({ setup: { delays: { bootMs: 50, stopMs: 50, terminateMs: 50, lagMs: 0, tombstoneMs: 3_600_000 } } }),
    startFakeDigitalOcean({
      tokens: [canaries['token of DigitalOcean']],
      limits: { perHour: 1_000_000, perMinute: 1_000_000 },
    }),
    testDatabase(),
  ])
  const settling = setInterval(() => ec2.clock.settle(), settleEveryMs)
  const url = await database.fresh()
  const pool = testPool(url)
  const service = await makeService(url)
  const { said, reply, follow, reops, metrics } = makeSaid(async () => ({
    REOPS_CORE_URL: service.url(),
    REOPS_MOTE_URL: service.mote.url,
    REOPS_TOKEN: await service.tokenFor('admin'),
  }))
  const ask = async (method: string, path: string, body?: unknown, token?: string): Promise<Reply> => {
    const text = typeof body === 'string' ? { text: body } : body === undefined ? {} : { body }
    return reply(method, path, await service.ask(method, path, { ...text, ...(token === undefined ? {} : { token }) }))
  }
  const start = async () => {
    await service.start()
    // It ends with the process that it listens to.
    follow(`${service.url()}/v1/events`, await service.tokenFor('admin')).catch(() => undefined)
  }
  const file = (name: string, text: string): string => {
    const path = join(service.state, name)
    writeFileSync(path, text, { mode: 0o600 })
    return `file:${path}`
  }
  return {
    ec2,
    droplets,
    service,
    pool,
    said,
    ask,
    start,
    file,
    reops,
    metrics: () => metrics(service.url()),
    rows: () => rowsOf(pool),
    until: <T>(what: string, look: () => Promise<T | null | false>) => until(what, look, patienceMs),
    stop: async () => {
      clearInterval(settling)
      await service.stop()
      await pool.end()
      await Promise.all([ec2.stop(), droplets.stop(), database.stop()])
    },
  }
}
export type CanaryStage = Awaited<ReturnType<typeof openCanaryStage>>
