import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { System } from '@re-ops/protocols'
import { makeService, type TestService } from '@re-ops/re-core/testing'
import { makeLog, startPostgres } from '@re-ops/service'
import type { Proof } from '../../proof/command.ts'
import { median, quantile, rounded, type Aim } from '../../proof/report.ts'
import { clouds, type Cloud, type CloudName } from './clouds.ts'

const replicas = 2
const single = 20
const atOnce = 200
const withinMs = 300_000
const pollMs = 100
/** So that a single create never waits for its turn with the cloud. */
const singleEveryMs = 1_500

type Say = (line: string) => void
type Rig = {
  readonly service: TestService
  readonly urls: readonly string[]
  readonly token: string
  readonly cloud: Cloud
}

const get = async <A>({ token }: Rig, url: string): Promise<A> => {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${(await response.text()).slice(0, 300)}`)
  return (await response.json()) as A
}

const create = async ({ service, cloud }: Rig, name: string, count?: number): Promise<System[]> => {
  const body = {
    name,
    account: cloud.name,
    size: cloud.size,
    image: 'debian-12',
    ...(count === undefined ? {} : { count }),
  }
  const reply = await service.ask('POST', '/v1/systems', { body })
  if (reply.status !== 202) throw new Error(`POST /v1/systems: ${reply.status} ${JSON.stringify(reply.body)}`)
  return (reply.body as unknown as { systems: System[] }).systems
}

const until = async <T>(what: string, look: () => T | undefined): Promise<T> => {
  for (const end = performance.now() + 30_000; ; await wait(5)) {
    const found = look()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`not within 30 s: ${what}`)
  }
}

/** One at a time, as a person would: from sending the POST to the cloud's receiving the call that makes the machine. */
const singles = async (rig: Rig): Promise<number[]> => {
  const took: number[] = []
  for (let n = 0; n < single; n += 1) {
    const from = Date.now()
    const [system] = await create(rig, `single-${n}`)
    const asked = await until(`single-${n} is asked for`, () => {
      const all = [...rig.cloud.machines().values()].map(one => one.askedAt)
      const latest = Math.max(...all)
      return system !== undefined && latest >= from ? latest : undefined
    })
    took.push(asked - from)
    await wait(singleEveryMs)
  }
  return took
}

/** All at once, and how long lists take meanwhile, of both replicas in turn. */
const burst = async (rig: Rig, say: Say) => {
  const from = performance.now()
  await create(rig, 'burst', atOnce)
  const acceptedMs = performance.now() - from
  const listMs: number[] = []
  let ready = 0
  for (let turn = 0; ready < atOnce && performance.now() - from < withinMs; turn += 1) {
    const asked = performance.now()
    const systems = await get<System[]>(rig, `${rig.urls[turn % rig.urls.length]}/v1/systems`)
    listMs.push(performance.now() - asked)
    ready = systems.filter(one => one.name.startsWith('burst-') && one.phase === 'ready').length
    if (turn % 150 === 149) say(`${ready} of ${atOnce} ready after ${Math.round((performance.now() - from) / 1_000)} s`)
    await wait(pollMs)
  }
  return { ready, acceptedMs, allReadyS: (performance.now() - from) / 1_000, listMs }
}

/** Two replicas of re-core on one Postgres, an account of the cloud, and agents that call home once their machine runs. */
const withRig = async <A>(open: () => Promise<Cloud>, use: (rig: Rig) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), 'provision-'))
  const postgres = await startPostgres({
    folder: join(folder, 'postgres'),
    log: makeLog({ service: 'bench', level: 'warn' }),
  })
  const cloud = await open()
  const service = await makeService(postgres.url, async system => cloud.machines().get(system)?.running === true)
  try {
    const urls: string[] = []
    for (let n = 0; n < replicas; n += 1) {
      await service.start({ REOPS_LOG_LEVEL: 'info' })
      urls.push(service.url())
    }
    const { region, endpoint, secret } = cloud.account
    writeFileSync(join(folder, 'secret'), secret, { mode: 0o600 })
    const account = {
      provider: cloud.name,
      regions: [region],
      secret: `file:${join(folder, 'secret')}`,
      settings: { endpoint },
    }
    const saved = await service.ask('PUT', `/v1/accounts/${cloud.name}`, { body: account })
    if (saved.status >= 300) throw new Error(`PUT /v1/accounts: ${saved.status} ${JSON.stringify(saved.body)}`)
    return await use({ service, urls, token: await service.tokenFor('admin'), cloud })
  } finally {
    await service.stop()
    await cloud.stop()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const measure = (name: CloudName, say: Say) =>
  withRig(clouds[name], async rig => {
    const { cloud } = rig
    const postToCallMs = await singles(rig)
    say(`${single} singles: POST to the call p50 ${rounded(median(postToCallMs))} ms`)
    const { ready, acceptedMs, allReadyS, listMs } = await burst(rig, say)
    return {
      ready,
      allReadyS: rounded(allReadyS),
      acceptedMs: rounded(acceptedMs),
      lists: listMs.length,
      listP50Ms: rounded(median(listMs)),
      listP99Ms: rounded(quantile(listMs, 0.99)),
      postToCallP50Ms: rounded(median(postToCallMs)),
      postToCallP99Ms: rounded(quantile(postToCallMs, 0.99)),
      calls: cloud.calls(),
      violations: cloud.violations(),
      // Each has one machine, and no machine is anybody else's.
      machinesTooMany: cloud.count() - single - atOnce,
    }
  })

const aims: Readonly<Record<string, Aim>> = {
  ready: { atLeast: atOnce },
  allReadyS: { atMost: withinMs / 1_000 },
  listP99Ms: { atMost: 100 },
  postToCallP50Ms: { atMost: 30 },
  violations: { atMost: 0 },
  machinesTooMany: { atMost: 0 },
}

const namesOf = (text: string | undefined): readonly CloudName[] => {
  const all = Object.keys(clouds) as CloudName[]
  if (text === undefined) return all
  const found = all.find(one => one === text)
  if (found !== undefined) return [found]
  throw new Error(`--target ${text}: allowed: ${all.join(', ')}`)
}

/** `bench provision [--target fake-ec2|fake-do]`; in real time, with the clouds' own limits: nothing is scaled but what a machine takes to boot (15 s, 30 s). */
export const provision: Proof = {
  doc: '200 systems at once on each cloud, two replicas of re-core, throttling on',
  run: async ({ say, flag }) => {
    const names = namesOf(flag('target'))
    const measures: Record<string, number> = { replicas, atOnce }
    const wanted: Record<string, Aim> = {}
    for (const name of names) {
      const taken = await measure(name, line => say(`${name}: ${line}`))
      for (const [key, value] of Object.entries(taken)) measures[`${name}.${key}`] = value
      for (const [key, aim] of Object.entries(aims)) wanted[`${name}.${key}`] = aim
    }
    return { name: names.length === 1 ? `provision ${names[0]}` : 'provision', measures, aims: wanted }
  },
}
