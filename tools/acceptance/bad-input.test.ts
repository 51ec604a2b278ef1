import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { badCommands } from './bad-commands.ts'
import { badRequests, type BadRequest } from './bad-requests.ts'
import { garbage, knock, sendRaw } from './garbage.ts'
import { eventually, inBatches, openWorld, reops, rssOf, type World } from './testing.ts'

const roundsMax = 6

let world: World
let requests: readonly BadRequest[]
let tokens: { small: string; expired: string }

const urlOf = (to: 'mote' | 'core') => (to === 'mote' ? world.cluster.moteUrl : world.cluster.coreUrl)

const ask = async ({ to, method, path, body, raw, headers, token }: BadRequest) => {
  const sent = token ?? world.cluster.token
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await fetch(`${urlOf(to)}${path}`, {
    method,
    headers: {
      ...(sent === '' ? {} : { authorization: `Bearer ${sent}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  })
  return { response, text: await response.text() }
}

const load = async (): Promise<void> => {
  await inBatches(requests, 8, ask)
  const endpoint = brokerEndpoint()
  const ports = [endpoint, world.cluster.moteUrl, world.cluster.coreUrl].map(url => Number(new URL(url).port))
  for (const bytes of garbage) await Promise.all(ports.map(port => sendRaw(port, bytes)))
  await knock(endpoint, null)
}

const brokerEndpoint = (): string => {
  const { brokers } = JSON.parse(readFileSync(join(world.cluster.state, 're-mote.json'), 'utf8')) as {
    brokers: { endpoint: string }[]
  }
  return brokers[0]?.endpoint ?? ''
}
const serverKey = async (): Promise<string> => {
  const keyset = (await (await fetch(`${world.cluster.moteUrl}/v1/keyset`)).json()) as { curveServerKeys: string[] }
  return keyset.curveServerKeys[0] ?? ''
}

beforeAll(async () => {
  world = await openWorld(1)
  const expired = await world.token(['admin'], 1_000)
  tokens = { expired, small: await world.token(['runs:read'], 600_000) }
  await eventually('the short token ends', async () => {
    const { status } = await fetch(`${world.cluster.moteUrl}/v1/hosts`, {
      headers: { authorization: `Bearer ${expired}` },
    })
    return status === 401 ? true : null
  })
  requests = badRequests(world, tokens.expired, tokens.small)
}, 60_000)
afterAll(() => world?.close(), 30_000)

test('every bad request gets its 4xx and one line: what, where, what is allowed', async () => {
  const found = await inBatches(requests, 4, async request => {
    const { response, text } = await ask(request)
    const { type, status, detail } = JSON.parse(text) as Record<string, unknown>
    const { method, path, to } = request
    return {
      asked: `${to} ${method} ${path.slice(0, 80)} ${(request.raw ?? JSON.stringify(request.body ?? null)).slice(0, 80)}`,
      status: `${response.status} ${String(status)}`,
      media: response.headers.get('content-type'),
      type,
      detail: request.says.test(String(detail)) && !String(detail).includes('\n') ? request.says.source : detail,
    }
  })
  expect(found).toEqual(
    found.map(({ asked }, at) => {
      const { status, kind, says } = requests[at] as BadRequest
      return {
        asked,
        status: `${status} ${status}`,
        media: 'application/problem+json',
        type: `about:blank#${kind}`,
        detail: says.source,
      }
    }),
  )
}, 60_000)

test('every bad command has its exit code and one line on standard error, none on standard output', async () => {
  const taken = world.cluster.systems.systems[0]?.name ?? ''
  const commands = badCommands(taken, tokens.small, tokens.expired)
  const found = await inBatches(commands, 3, async ({ args, environment, says }) => {
    const { code, out, error } = await reops(world, args, environment)
    const isOneLine = /^reops: [^\n]+\n$/.test(error) && says.test(error.trimEnd())
    expect(error).not.toContain('canary')
    return { args, code, out, said: isOneLine ? says.source : error }
  })
  expect(found).toEqual(commands.map(({ args, code, says }) => ({ args, code, out: '', said: says.source })))
}, 240_000)

describe('garbage on the ports', () => {
  test('bytes that are no HTTP are told so', async () => {
    for (const url of [world.cluster.moteUrl, world.cluster.coreUrl])
      for (const bytes of [garbage[3] as Buffer, ...garbage.slice(-3), Buffer.from('nonsense\r\n\r\n')]) {
        const answer = await sendRaw(Number(new URL(url).port), bytes)
        expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
        expect(answer).toMatch(/content-type: application\/problem\+json/i)
        expect(answer).toMatch(/there is no GET \/; see|no HTTP\/1\.1 request; see \/docs/)
      }
  }, 30_000)

  test('who speaks ZeroMQ without CURVE, or with a key nobody enrolled, is not let in', async () => {
    const keys = [null, await serverKey()]
    expect(await Promise.all(keys.map(key => knock(brokerEndpoint(), key)))).toEqual(['refused', 'refused'])
  }, 60_000)
})

test('afterwards all is green, a run on every host succeeds, nothing was restarted or made, and memory is as before', async () => {
  const names = ['re-mote', 're-core', 'broker'] as const
  const before = world.cluster.pids()
  await load()
  await load()
  // One look says little: V8 takes room and gives it back when it likes. What leaks grows round after round.
  const rounds = [names.map(name => rssOf(world.cluster.pids()[name] ?? 0))]
  const isSettled = () => {
    const [last = [], earlier = []] = [rounds.at(-1), rounds.at(-2)]
    return rounds.length > 1 && last.every((bytes, at) => bytes <= (earlier[at] ?? 0) * 1.1)
  }
  while (!isSettled() && rounds.length < roundsMax) {
    await load()
    await load()
    rounds.push(names.map(name => rssOf(world.cluster.pids()[name] ?? 0)))
  }
  if (!isSettled()) throw new Error(`memory grows round after round: ${JSON.stringify(rounds)}`)
  expect(world.cluster.pids()).toEqual(before)
  for (const url of [world.cluster.moteUrl, world.cluster.coreUrl])
    for (const path of ['/health', '/ready'])
      expect([url, path, (await fetch(`${url}${path}`)).status]).toEqual([url, path, 200])
  const { code, out } = await reops(world, ['run', 'ping', '--on', '*', '--json'])
  expect([code, out.trim().split('\n').length]).toEqual([0, 3]) // this machine, one system, the summary
  expect(await world.cluster.client.core.systems()).toHaveLength(1)
  const runs = await world.cluster.client.mote.runs({ limit: 10 })
  expect(runs.filter(run => run.createdBy !== 're-mote')).toHaveLength(1) // facts are read by the service itself
}, 120_000)
