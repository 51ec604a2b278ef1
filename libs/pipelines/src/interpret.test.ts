import { describe, expect, test } from '@jest/globals'
import type { CallResult, HostRef, HostResult } from '@re-ops/protocols'
import fc from 'fast-check'
import { gather, interpret, map, pipeline, type CallPort, type PortCall } from './index.ts'
import { stepOf } from './step.ts'
import { anyAnswers, anyPipeline, hostsOf, reading, writing } from './testing.ts'

const collect = async <A>(results: AsyncIterable<HostResult<A>>): Promise<HostResult<A>[]> => {
  const all: HostResult<A>[] = []
  for await (const result of results) all.push(result)
  return all
}
const ok = (value: unknown): CallResult => ({ ok: true, value })
const port = (call: (host: HostRef, call: PortCall) => CallResult | Promise<CallResult>): CallPort => ({
  call: async (host, asked) => call(host, asked),
})

describe('interpret', () => {
  test('gives exactly one result per target through any composition of steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyPipeline,
        fc.array(anyAnswers, { maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        async (node, scripts, callsMax) => {
          const hosts = hostsOf(scripts.length)
          const made = new Map<string, number>()
          const results = await collect(
            interpret(
              stepOf<void, unknown, 'once'>(node),
              hosts,
              port(host => {
                const n = made.get(host.id) ?? 0
                made.set(host.id, n + 1)
                const answers = scripts[hosts.indexOf(host)] ?? []
                return answers[Math.min(n, answers.length - 1)] as CallResult
              }),
              { callsMax },
            ),
          )
          expect(results.map(result => result.host.name).sort()).toEqual(hosts.map(host => host.name).sort())
        },
      ),
      { numRuns: 500 },
    )
  })

  test('one host stuck in step 1 does not hold the other 999, which finish step 2', async () => {
    const stuck = Promise.withResolvers<CallResult>()
    const hosts = hostsOf(1000)
    const results = interpret(
      pipeline(reading(), writing()),
      hosts,
      port((host, asked) => (host === hosts[0] && asked.operation === 'reading' ? stuck.promise : ok(asked.step))),
    )
    const first: HostResult<unknown>[] = []
    for (let n = 0; n < 999; n += 1) {
      const next = await results.next()
      if (!next.done) first.push(next.value)
    }
    expect(first.every(result => result.ok && result.value === '2:writing' && result.host !== hosts[0])).toBe(true)
    expect(new Set(first.map(result => result.host.id)).size).toBe(999)
    stuck.resolve(ok(1))
    expect(await results.next()).toMatchObject({ value: { host: hosts[0], ok: true, value: '2:writing' } })
    expect(await results.next()).toMatchObject({ done: true })
  })

  test('gather is the one barrier: nobody passes before everybody waits or has ended', async () => {
    const events: string[] = []
    const late = Promise.withResolvers<CallResult>()
    const hosts = hostsOf(3)
    const running = collect(
      interpret(
        pipeline(
          reading(),
          gather(),
          writing.with(value => value),
        ),
        hosts,
        port((host, asked) => {
          events.push(`${host.name} ${asked.operation}`)
          if (asked.operation === 'writing') return ok(asked.input)
          if (host === hosts[1]) return { ok: false, failure: { kind: 'exit', message: 'x', step: '' } }
          return host === hosts[2] ? late.promise : ok(host.name)
        }),
      ),
    )
    while (events.length < 3) await Promise.resolve()
    for (let n = 0; n < 50; n += 1) await Promise.resolve()
    expect(events).toHaveLength(3)
    late.resolve(ok('late'))
    const results = await running
    expect(events.slice(3).sort()).toEqual(['h0 writing', 'h2 writing'])
    expect(
      results
        .filter(result => result.ok)
        .map(result => String(result.value))
        .sort(),
    ).toEqual(['h0', 'late'])
  })

  test('a transport that throws costs that host a `lost`, since nobody knows what happened', async () => {
    const hosts = hostsOf(2)
    const results = await collect(
      interpret(reading(), hosts, {
        call: host => (host === hosts[0] ? Promise.reject(new Error('socket gone')) : Promise.resolve(ok(1))),
      }),
    )
    expect(results.find(result => result.host === hosts[0])).toMatchObject({
      ok: false,
      failure: { kind: 'lost', message: 'the transport threw: socket gone', step: 'reading', started: 'unknown' },
    })
    expect(results.find(result => result.host === hosts[1])).toMatchObject({ ok: true })
  })

  test('cancelled: what waits for its turn or at a barrier ends `cancelled`, what runs ends as its transport says', async () => {
    const stop = new AbortController()
    const asked: string[] = []
    const waitForAbort: CallPort = {
      call: (host, _, { signal }) => {
        asked.push(host.name)
        return new Promise(resolve =>
          signal.addEventListener('abort', () =>
            resolve({ ok: false, failure: { kind: 'cancelled', message: 'killed', step: '', started: 'yes' } }),
          ),
        )
      },
    }
    const running = collect(interpret(reading(), hostsOf(5), waitForAbort, { signal: stop.signal, callsMax: 2 }))
    while (asked.length < 2) await Promise.resolve()
    stop.abort()
    const results = await running
    expect(asked).toEqual(['h0', 'h1'])
    expect(results.map(result => !result.ok && [result.failure.kind, result.failure.started])).toEqual(
      expect.arrayContaining([
        ['cancelled', 'yes'],
        ['cancelled', 'no'],
      ]),
    )
    expect(results).toHaveLength(5)
  })

  test('leaving the loop early cancels what is under way', async () => {
    let aborted = 0
    const hosts = hostsOf(3)
    const results = interpret(
      pipeline(
        reading(),
        map(r => r.host.name),
      ),
      hosts,
      {
        call: (host, _, { signal }) =>
          host === hosts[0]
            ? Promise.resolve(ok(1))
            : new Promise(resolve =>
                signal.addEventListener('abort', () => {
                  aborted += 1
                  resolve(ok(2))
                }),
              ),
      },
    )
    for await (const result of results) {
      expect(result).toMatchObject({ ok: true, value: 'h0' })
      break
    }
    expect(aborted).toBe(2)
  })

  test('no hosts, no results', async () => {
    expect(
      await collect(
        interpret(
          reading(),
          [],
          port(() => ok(1)),
        ),
      ),
    ).toEqual([])
  })
})
