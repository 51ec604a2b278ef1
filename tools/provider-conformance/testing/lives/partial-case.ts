import { expect } from '@jest/globals'
import { ProviderError, type Provider } from '@re-ops/protocols'
import { inOrder, machinesAgree } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { startQuiet, type Beside, type Life } from './life.ts'

/** Of each step, on a machine that is busy. */
const withinMs = 120_000
const disk = (system: string, n: 1 | 2) => `${system}-disk-${n}`

/** Making the second volume of a system breaks off, once: before it is made, or when it is and nobody hears of it. */
const breaking = (when: Readonly<Record<string, 'before' | 'after'>>) => {
  const left = new Map(Object.entries(when).map(([system, at]) => [disk(system, 2), at]))
  return (provider: Provider): Provider => {
    const { volumes } = provider
    if (volumes === undefined) return provider
    const ensure: typeof volumes.ensure = async (asked, signal) => {
      const at = left.get(asked.name)
      left.delete(asked.name)
      const made = at === 'before' ? null : await volumes.ensure(asked, signal)
      if (made === null || at !== undefined) throw new ProviderError('transient', 'unknown', `broke off ${at} it`)
      return made
    }
    return { ...provider, volumes: { ...volumes, ensure } }
  }
}

/** The worker dies between making the second volume of that system and writing down which it is. */
const dying = ({ world }: Life) => {
  const dead = { id: '', deaths: 0 }
  const at = async (point: string, system: string): Promise<void> => {
    if (point !== 'beside.answered' || system !== dead.id || dead.deaths > 0) return
    if ((await world.row(system)).besideDone === 0) return
    dead.deaths += 1
    throw new Error('killed')
  }
  return { dead, at }
}

const besideOf = ({ beside }: Life): Beside => {
  if (beside === null) throw new Error('nothing stands beside machines there')
  return beside
}
type Volumes = Awaited<ReturnType<Beside['there']>>
const byName = (all: Volumes) => all.toSorted((one, other) => one.name.localeCompare(other.name))

export const partialCase: LifeCase = {
  limitMs: 4 * withinMs,
  ns: [35],
  letters: 'TK',
  title:
    'a machine whose second volume is not made: one of each in the end; or it is said which, and destroy removes what was made and nothing else',
  run: async life => {
    const { world } = life
    const beside = besideOf(life)
    const foreign = { name: disk('taken', 2), machine: null }
    await beside.put(foreign.name)
    const { dead, at } = dying(life)
    await startQuiet(life, { at, wrap: breaking({ before: 'before', after: 'after' }) })
    const create = (name: string) => {
      const volumes = ([1, 2] as const).map(n => ({ name: disk(name, n), sizeGb: 1 }))
      return world.create(name, id => void (name === 'killed' && (dead.id = id)), { options: { volumes } })
    }
    const whole: string[] = []
    for (const name of ['before', 'after', 'killed']) whole.push(await create(name))
    const taken = await create('taken')
    const all = [...whole, taken]
    for (const id of whole) await world.phase(id, 'ready', withinMs)
    const { reason, ref } = await world.phase(taken, 'failed', withinMs)
    expect([reason, dead.deaths]).toEqual([expect.stringMatching(/^volume taken-disk-2 \(2 of 2\): .*another vol/), 1])
    await machinesAgree(life, all)
    const rows = await Promise.all(whole.map(world.row))
    const made = rows.flatMap(row => ([1, 2] as const).map(n => ({ name: disk(row.name, n), machine: row.ref })))
    const wanted = [...made, { name: disk('taken', 1), machine: ref }, foreign]
    expect(byName(await beside.there())).toEqual(byName(wanted))
    for (const id of all) await world.ask(id, 'destroy')
    for (const id of all) await world.phase(id, 'gone', withinMs)
    expect([await life.alive(), await beside.there()]).toEqual([inOrder(), [foreign]])
  },
}
