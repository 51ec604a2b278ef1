import { afterEach, describe, expect, test } from '@jest/globals'
import { manualClock } from './clock.ts'
import { makeFaults, type Fault } from './faults.ts'
import { serve } from './serve.ts'

describe('the clock of a stand-in', () => {
  test('what is due happens in the order of its time, each at its own time', () => {
    const clock = manualClock(1_000)
    const seen: [string, number, number][] = []
    const note = (name: string) => (at: number) => void seen.push([name, at, clock.now()])
    clock.at(1_300, note('late'))
    clock.at(1_100, at => {
      note('early')(at)
      clock.at(1_200, note('between'))
    })
    clock.advance(99)
    expect(seen).toEqual([])
    clock.advance(401)
    expect(seen).toEqual([
      ['early', 1_100, 1_100],
      ['between', 1_200, 1_200],
      ['late', 1_300, 1_300],
    ])
    expect(clock.now()).toBe(1_500)
    expect(() => clock.advance(-1)).toThrow('does not go back')
  })
})

describe('faults', () => {
  test('the nth request of an action counts from when the fault was added', () => {
    const faults = makeFaults<string>()
    expect(faults.take('create', 0)).toBeNull()
    faults.add({ action: 'create', nth: 2, does: 'drop-after' })
    expect(faults.left()).toHaveLength(1)
    expect([1, 2, 3].map(() => faults.take('create', 0))).toEqual([null, 'drop-after', null])
    expect(faults.take('get', 0)).toBeNull()
    expect(faults.left()).toEqual([])
    expect(faults.asked()).toEqual(['create', 'create', 'create', 'create', 'get'])
  })

  test('one for all lasts until its time, and ends when cleared', () => {
    const faults = makeFaults<string>()
    faults.add({ action: '*', nth: 'all', untilMs: 10, does: { answer: 'no' } })
    expect(faults.take('get', 9)).toEqual({ answer: 'no' })
    expect(faults.take('get', 10)).toBeNull()
    faults.clear()
    expect(faults.take('get', 0)).toBeNull()
  })
})

describe('a served stand-in', () => {
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  const standIn = async (fault?: Fault<string>) => {
    const clock = manualClock()
    const faults = makeFaults<string>()
    if (fault !== undefined) faults.add(fault)
    const done: string[] = []
    const apply = ({ path }: { path: string }) => {
      done.push(path)
      return { status: 200, headers: {}, body: 'done' }
    }
    const server = await serve<string>({
      clock,
      mishap: ({ method }) => faults.take(method, clock.now()),
      apply,
      applyLate: asked => void apply(asked),
      refuse: body => ({ status: 503, headers: { 'x-why': 'fault' }, body }),
    })
    stops.push(server.stop)
    return {
      clock,
      done,
      ask: (signal?: AbortSignal) => fetch(`${server.url}/x`, { method: 'POST', signal: signal ?? null }),
    }
  }

  test('answers, refuses, drops before, drops after', async () => {
    const plain = await standIn()
    expect(await (await plain.ask()).text()).toBe('done')
    const refusing = await standIn({ action: 'POST', nth: 1, does: { answer: 'no' } })
    const reply = await refusing.ask()
    expect([reply.status, reply.headers.get('x-why'), await reply.text()]).toEqual([503, 'fault', 'no'])
    expect(refusing.done).toEqual([])
    const before = await standIn({ action: '*', nth: 'all', does: 'drop-before' })
    await expect(before.ask()).rejects.toThrow()
    expect(before.done).toEqual([])
    const after = await standIn({ action: '*', nth: 'all', does: 'drop-after' })
    await expect(after.ask()).rejects.toThrow()
    expect(after.done.length).toBeGreaterThan(0)
  })

  test('hangs until the client gives up; lands late when its time has come', async () => {
    const hanging = await standIn({ action: 'POST', nth: 1, does: 'hang' })
    await expect(hanging.ask(AbortSignal.timeout(50))).rejects.toThrow()
    expect(hanging.done).toEqual([])
    const late = await standIn({ action: 'POST', nth: 1, does: { lateApplyMs: 5_000 } })
    await expect(late.ask()).rejects.toThrow()
    late.clock.advance(4_999)
    expect(late.done).toEqual([])
    late.clock.advance(1)
    expect(late.done).toEqual(['/x'])
  })
})
