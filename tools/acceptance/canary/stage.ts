import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeService, testDatabase, until, type Reply } from '@re-ops/re-core/testing'
import { testPool } from '@re-ops/service/testing'
import { startFakeDigitalOcean } from '../../stand-ins/digitalocean/fake.ts'
import { startFakeEc2 } from '../../stand-ins/ec2/fake.ts'
import { program } from '../testing.ts'

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
const patienceMs = 60_000

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
  const said: string[] = []
  const ask = async (method: string, path: string, body?: unknown, token?: string): Promise<Reply> => {
    const text = typeof body === 'string' ? { text: body } : body === undefined ? {} : { body }
    const reply = await service.ask(method, path, { ...text, ...(token === undefined ? {} : { token }) })
    said.push(`${method} ${path.split('?')[0]}: ${JSON.stringify(reply)}`)
    return reply
  }
  const follow = async () => {
    const token = await service.tokenFor('admin')
    const reply = await fetch(`${service.url()}/v1/events`, { headers: { authorization: `Bearer ${token}` } })
    const decoder = new TextDecoder()
    for await (const chunk of reply.body ?? []) said.push(`event: ${decoder.decode(chunk as Uint8Array)}`)
  }
  const start = async () => {
    await service.start()
    // It ends with the process that it listens to.
    follow().catch(() => undefined)
  }
  const file = (name: string, text: string): string => {
    const path = join(service.state, name)
    writeFileSync(path, text, { mode: 0o600 })
    return `file:${path}`
  }
  const metrics = async () => void said.push(await (await fetch(`${service.url()}/metrics`)).text())
  const reops = async (args: readonly string[], token?: string) => {
    const environment = {
      REOPS_CORE_URL: service.url(),
      REOPS_MOTE_URL: service.mote.url,
      REOPS_TOKEN: token ?? (await service.tokenFor('admin')),
    }
    const { code, out, error } = await program('apps/reops/bin/reops.mjs', args, environment)
    said.push(`reops ${args.join(' ')}: ${code} ${out} ${error}`)
    return { code, out, error }
  }
  /** All rows of all tables, the queue's too. */
  const rows = async (): Promise<string> => {
    const { rows: tables } = await pool.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('core', 'core_boss')`,
    )
    const all = await Promise.all(
      tables.map(({ name }) => pool.query<{ t: string }>(`select t::text as t from ${name} t`)),
    )
    return all.flatMap(one => one.rows.map(row => row.t)).join('\n')
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
    metrics,
    rows,
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
