import { describe, expect, test } from '@jest/globals'
import { newId, ProviderError, type Provider, type SystemSpec, type Verb, type VerbInput } from '@re-ops/protocols'
import fc from 'fast-check'
import { want } from '../services/want.ts'
import type { OpRow, SystemRow } from '../store/row.ts'
import { testSpec } from '../testing/standard.ts'
import { landingMs, memoryMote, memoryProvider, memoryStore, type Mode } from '../testing/memory.ts'
import type { Deps } from './attempt.ts'
import { newRow } from './newRow.ts'
import { reconcile } from './reconcile.ts'

class Crash extends Error {}

const spec = (name: string): SystemSpec => ({ ...testSpec(name), labels: {} })

/** What chance does next; past the end of the list nothing bad happens any more. */
type Fate = 'fine' | 'crash' | 'stall' | 'drop-before' | 'drop-after' | 'late' | 'fail'
const fates = (list: readonly Fate[]): { next(): Fate; clear(): void } => {
  const left = [...list]
  return { next: () => left.shift() ?? 'fine', clear: () => void left.splice(0) }
}

/** A small world with one clock: rows, a provider, re-mote, workers that die or stall at any step. */
const makeWorld = (mode: Mode, chance: ReturnType<typeof fates>) => {
  const installation = newId()
  const clock = { now: 1_000_000 }
  const now = () => clock.now
  const memory = memoryStore(installation)
  const cloud = memoryProvider(mode, now)
  const moteIsUp = { value: true }
  const runs = (system: string, generation: number) =>
    cloud
      .alive()
      .some(vm => vm.power === 'running' && vm.identity.vmId === system && vm.identity.generation === generation)
  /** Another start of its agent is another id. */
  const bootOf = (system: string) => {
    const vm = cloud.alive().find(one => one.identity.vmId === system && one.power === 'running')
    return vm === undefined ? null : `${system.slice(0, -3)}${String(100 + (vm.boots % 900))}`
  }
  const { mote, revoked, heardAt } = memoryMote(() => moteIsUp.value, runs, bootOf)
  const stalled: (() => void)[] = []
  const faulty = async <T>(apply: () => Promise<T>, sendLate?: () => void): Promise<T> => {
    const fate = chance.next()
    const unknown = () => new ProviderError('transient', 'unknown', `the answer was lost (${fate})`)
    if (fate === 'fail') throw new ProviderError('throttled', 'not-applied', 'slow down')
    if (fate === 'drop-before') throw unknown()
    if (fate === 'late' && sendLate !== undefined) {
      sendLate()
      throw unknown()
    }
    const value = await apply()
    if (fate === 'drop-after') throw unknown()
    return value
  }
  const { provider } = cloud
  const wrapped: Provider = {
    ...provider,
    create: (request, signal) =>
      faulty(
        () => provider.create(request, signal),
        () => cloud.sendLate(request, landingMs - 1),
      ),
    act: (ref, action, op, signal) => faulty(() => provider.act(ref, action, op, signal)),
    destroy: (ref, plan, signal) => faulty(() => provider.destroy(ref, plan, signal)),
  }
  const deps: Deps = {
    store: memory.store,
    open: async () => wrapped,
    mote,
    cipher: { seal: text => Buffer.from(text), open: sealed => sealed.toString() },
    installation,
    now,
    random: () => 0.5,
    rules: { restartDelayMs: 5_000, bootTimeoutMs: 60_000 },
    parkedMs: 60_000,
    log: { warn: () => {}, info: () => {} },
    at: async () => {
      const fate = chance.next()
      if (fate === 'crash') throw new Crash('killed')
      // A stalled worker wakes much later and goes on as if nothing had happened. Only identities that can be spent
      // make that harmless for create itself; elsewhere the reaper has to.
      if (fate === 'stall' && mode === 'caller-id') await new Promise<void>(resolve => void stalled.push(resolve))
    },
  }
  const attempt = async (id: string): Promise<void> => {
    const before = stalled.length
    const run = reconcile(deps, id, AbortSignal.timeout(60_000), null).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error
    })
    await Promise.race([run, stalls(before)])
  }
  const stalls = async (before: number) => {
    for (let n = 0; n < 500; n += 1) {
      await Promise.resolve()
      if (stalled.length > before) return
    }
    await new Promise(() => {})
  }
  const asked = new Map<string, number>()
  const ask = (id: string, verb: Exclude<Verb, 'create'>, input: VerbInput = {}) => {
    const row = memory.rows.get(id) as SystemRow
    if (row.phase === 'gone' || row.desired === 'absent') return
    // As the service does it: one job at a time, and what runs alone can be rebooted.
    const isBusy = row.op !== null || row.wantSize !== null
    if (isBusy && verb !== 'destroy') return
    if (verb === 'reboot' && (row.ref === null || row.desired !== 'running' || row.wantGeneration > row.generation))
      return
    const op = verb === 'reboot' ? reboot(row) : null
    if (op !== null) asked.set(id, (asked.get(id) ?? 0) + 1)
    const changes = { ...want(row, verb, now(), input), ...(op === null ? {} : { op: op.id }) }
    memory.rows.set(id, { ...row, ...changes, leaseEpoch: row.leaseEpoch + 1 })
  }
  const reboot = (row: SystemRow): OpRow => {
    const unsent = { sentAt: null, acceptedAt: null, opRef: null, before: null, snapshot: null, volume: null }
    const op: OpRow = {
      id: newId(),
      system: row.id,
      kind: 'reboot',
      generation: row.generation,
      force: false,
      ...unsent,
      createdAt: now(),
    }
    memory.ops.set(op.id, op)
    return op
  }
  return { ...memory, asked, clock, cloud, moteIsUp, revoked, heardAt, stalled, attempt, ask }
}
type World = ReturnType<typeof makeWorld>

const create = (world: World, name: string): string => {
  const row = newRow(spec(name), world.clock.now)
  world.rows.set(row.id, row)
  return row.id
}

const agrees = (row: SystemRow) =>
  row.op === null &&
  row.wantSize === null &&
  row.wantGeneration === row.generation &&
  row.phase === { running: 'ready', stopped: 'stopped', absent: 'gone' }[row.desired]

/** The ticker: attempts go on, time passes, stalled workers wake, until nothing changes any more. */
const converge = async (world: World) => {
  world.moteIsUp.value = true
  for (let round = 0; round < 120; round += 1) {
    for (const wake of world.stalled.splice(0)) wake()
    await new Promise(resolve => setImmediate(resolve))
    for (const id of world.rows.keys()) await world.attempt(id)
    world.clock.now += 10_000
    if (world.stalled.length === 0 && [...world.rows.values()].every(agrees)) return
  }
}

const inputs = (n: number): Readonly<Record<string, VerbInput>> => ({
  resize: { size: n % 3 === 0 ? 'too-small' : 'larger' },
  label: { labels: { round: String(n % 7) } },
})

/** 0 orphans, 0 lost, 0 duplicates. */
const check = (world: World) => {
  const alive = world.cloud.alive()
  for (const row of world.rows.values()) {
    expect([row.desired, row.phase, row.reason]).toEqual([
      row.desired,
      { running: 'ready', stopped: 'stopped', absent: 'gone' }[row.desired],
      null,
    ])
    const own = alive.filter(vm => vm.identity.vmId === row.id)
    expect(own.map(vm => [vm.ref, vm.identity.generation, vm.power])).toEqual(
      row.desired === 'absent' ? [] : [[row.ref, row.generation, row.desired]],
    )
    // Never a second time silently, whatever was lost.
    for (const vm of own) {
      expect(vm.reboots).toBeLessThanOrEqual(world.asked.get(row.id) ?? 0)
      expect([vm.size, vm.tags]).toEqual([row.size, row.labels])
    }
    if (row.desired === 'absent' && row.registeredAt !== null)
      expect(world.revoked.get(row.id)).toBeGreaterThanOrEqual(row.generation)
  }
}

describe.each<Mode>(['caller-id', 'token', 'lookup'])('with identity by %s', mode => {
  test('a create becomes ready, and every step of its life can be asked again', async () => {
    const world = makeWorld(mode, fates([]))
    const id = create(world, 'one')
    const verbs = ['start', 'stop', 'stop', 'start', 'reload', 'stop', 'reload', 'destroy', 'destroy'] as const
    await converge(world)
    check(world)
    for (const verb of verbs) {
      world.ask(id, verb)
      await converge(world)
      check(world)
    }
  })

  test('killed at every step, once and twice, of create, reload and destroy: exactly one machine, then none', async () => {
    const script = async (deaths: readonly number[]) => {
      const list: Fate[] = []
      for (const at of deaths) list[at] = 'crash'
      let asked = 0
      const chance = { next: (): Fate => list[asked++] ?? 'fine', clear: () => {} }
      const world = makeWorld(mode, chance)
      const id = create(world, 'one')
      for (const verb of ['reload', 'destroy'] as const) {
        await converge(world)
        check(world)
        world.ask(id, verb)
      }
      await converge(world)
      check(world)
      return asked
    }
    const points = await script([])
    expect(points).toBeGreaterThan(40)
    for (let one = 0; one < points; one += 1) {
      await script([one])
      await script([one, one + 1 + ((one * 7) % 13)])
    }
  })

  test('any verbs with any faults: 0 orphans, 0 lost, 0 duplicates', async () => {
    const fate = fc.oneof(
      { weight: 5, arbitrary: fc.constant<Fate>('fine') },
      { weight: 4, arbitrary: fc.constantFrom<Fate>('crash', 'stall', 'drop-before', 'drop-after', 'late', 'fail') },
    )
    const action = fc.oneof(
      fc
        .constantFrom('start' as const, 'stop', 'reload', 'destroy', 'reboot', 'resize', 'label')
        .map(verb => ({ kind: 'ask' as const, verb })),
      fc.constant({ kind: 'attempt' as const }),
      fc.integer({ min: 1, max: 20_000 }).map(ms => ({ kind: 'pass' as const, ms })),
      fc.boolean().map(up => ({ kind: 'mote' as const, up })),
      fc.constant({ kind: 'wake' as const }),
    )
    const plan = fc.record({
      fates: fc.array(fate, { maxLength: 60 }),
      actions: fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), action), { maxLength: 25 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ fates: list, actions }) => {
        const chance = fates(list)
        const world = makeWorld(mode, chance)
        const ids = [create(world, 'one'), create(world, 'two')]
        for (const [which, one] of actions) {
          const id = ids[which] as string
          if (one.kind === 'ask') world.ask(id, one.verb, inputs(world.clock.now)[one.verb])
          else if (one.kind === 'pass') world.clock.now += one.ms
          else if (one.kind === 'mote') world.moteIsUp.value = one.up
          else if (one.kind === 'wake') for (const wake of world.stalled.splice(0)) wake()
          await world.attempt(id)
        }
        chance.clear()
        await converge(world)
        check(world)
      }),
      { numRuns: 300 },
    )
  })
})

describe('rules of one life', () => {
  test('re-mote down: the system waits in planned with that reason, then goes on', async () => {
    const world = makeWorld('caller-id', fates([]))
    world.moteIsUp.value = false
    const id = create(world, 'one')
    await world.attempt(id)
    expect(world.rows.get(id)).toMatchObject({ phase: 'planned', reason: 're-mote does not answer', sentAt: null })
    expect(world.cloud.alive()).toEqual([])
    await converge(world)
    check(world)
  })

  test('re-mote down at destroy: the machine goes at once, the system only after its identity was revoked', async () => {
    const world = makeWorld('caller-id', fates([]))
    const id = create(world, 'one')
    await converge(world)
    world.moteIsUp.value = false
    world.ask(id, 'destroy')
    await world.attempt(id)
    expect(world.cloud.alive()).toEqual([])
    expect(world.rows.get(id)).toMatchObject({ phase: 'destroying', reason: 're-mote does not answer' })
    await converge(world)
    check(world)
  })

  test('a machine that died is shown stopped for five seconds, then started; history shows it', async () => {
    const world = makeWorld('caller-id', fates([]))
    const id = create(world, 'one')
    await converge(world)
    for (const vm of world.cloud.alive()) vm.power = 'stopped'
    await world.attempt(id)
    expect(world.rows.get(id)).toMatchObject({ phase: 'stopped', nextAt: world.clock.now + 5_000 })
    world.clock.now += 4_999
    await world.attempt(id)
    expect(world.cloud.alive()[0]?.power).toBe('stopped')
    world.clock.now += 1
    await world.attempt(id)
    expect(
      world.rows
        .get(id)
        ?.phases.map(mark => mark.name)
        .slice(-4),
    ).toEqual(['ready', 'stopped', 'booting', 'ready'])
  })

  test.each([
    ['that calls home each time is started again for ever, after five seconds', true, 'stopped'],
    ['that never calls home is left to a person in the end', false, 'failed'],
  ])('a machine that dies again and again before its readiness is noted, and %s', async (_, callsHome, phase) => {
    const world = makeWorld('caller-id', fates([]))
    const id = create(world, 'one')
    await converge(world)
    for (let death = 0; death < 8; death += 1) {
      for (const vm of world.cloud.alive()) vm.power = 'stopped'
      if (callsHome) world.heardAt.set(id, world.clock.now)
      world.moteIsUp.value = true
      await world.attempt(id) // sees it dead
      world.clock.now += callsHome ? 5_000 : 40_000
      world.moteIsUp.value = false // so that nobody hears that it is up
      if (death < 7) await world.attempt(id)
      if (death < 6) expect(world.cloud.alive().map(vm => vm.power)).toEqual(['running'])
    }
    expect(world.rows.get(id)?.phase).toBe(phase)
  })

  test('a machine removed by hand is lost, not silently made again; reload makes a new one', async () => {
    const world = makeWorld('caller-id', fates([]))
    const id = create(world, 'one')
    await converge(world)
    for (const vm of world.cloud.alive()) vm.power = 'gone'
    await world.attempt(id)
    expect(world.rows.get(id)).toMatchObject({ phase: 'lost' })
    world.ask(id, 'reload')
    await converge(world)
    check(world)
    expect(world.rows.get(id)?.generation).toBe(2)
  })
})
