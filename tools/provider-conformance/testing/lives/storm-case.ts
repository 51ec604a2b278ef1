import { expect } from '@jest/globals'
import type { LimitSpec } from '@re-ops/protocols'
import { doLimits } from '@re-ops/re-core/testing'
import { machinesAgree } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { startQuiet } from './life.ts'

const machines = 30
const going = 2
/** A burst would be one of each machine. */
const bunchedMax = 5
/** The storm lasts at least so long: as the table asks where the matrix is drawn, otherwise until it has met every machine. */
const stormMs = process.env['REOPS_MATRIX'] === undefined ? 0 : 60_000
/** Of each step, on a machine that is busy. */
const withinMs = 120_000
/** EC2's own, but for creates: thirty of them would take a quarter of a minute. */
const limits: Readonly<Record<string, readonly LimitSpec[]>> = {
  F: [
    { family: 'describe', perSecond: 15, burst: 75 },
    { family: 'run', perSecond: 30, burst: 40 },
    { family: 'mutate', perSecond: 4, burst: 40 },
  ],
  // Four times its own, as its stand-in here has them.
  D: doLimits.map(one => ({ ...one, perSecond: 4 * one.perSecond, burst: 4 * one.burst })),
}

export const stormCase: LifeCase = {
  limitMs: 300_000,
  ns: [28],
  letters: 'LFD',
  title:
    'thirty machines whose every look is refused for a while: none fails, destroys go on, and no burst comes after',
  run: async life => {
    const { world, mishaps } = life
    const specs = limits[life.letter]
    const timings = { bootTimeoutMs: 3_600_000 }
    await startQuiet(life, { timings, ...(specs === undefined ? {} : { limits: specs }) })
    const speak = mishaps.silence()
    const early = life.letter === 'L' ? mishaps.refuseLooks() : null
    const ids = await Promise.all(Array.from({ length: machines }, (_, n) => world.create(`one-${n}`)))
    await world.until('all are made', async () => (await life.alive()).length === machines, withinMs)
    const end = early ?? mishaps.refuseLooks()
    const stormEnd = performance.now() + stormMs
    const [doomed, kept] = [ids.slice(0, going), ids.slice(going)]
    const waiting = async () => {
      const { rows } = await world.pool.query('select 1 from core.system where attempt > 0 and id = any($1)', [kept])
      return rows.length === kept.length
    }
    await world.until('every one was refused and waits', waiting, withinMs)
    for (const id of doomed) await world.ask(id, 'destroy')
    await world.until(
      'destroys are done meanwhile',
      async () => (await life.alive()).length === machines - going,
      withinMs,
    )
    await world.until('the storm is over', async () => performance.now() >= stormEnd, 2 * stormMs)
    expect((await Promise.all(kept.map(world.row))).filter(row => row.phase === 'failed')).toEqual([])
    end()
    speak()
    for (const id of doomed) await world.phase(id, 'gone', withinMs)
    for (const id of kept) await world.phase(id, 'ready', withinMs)
    await machinesAgree(life, ids)
    const rows = await Promise.all(ids.map(world.row))
    const entered = new Set(rows.flatMap(row => row.phases.map(mark => mark.name)))
    expect([...entered]).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(failed|lost|stopped)$/)]))
    // What its own limits refused, beside what was refused on purpose: a machine that stands still for seconds bunches a few.
    expect(mishaps.refusals()).toBeLessThanOrEqual(bunchedMax)
  },
}
