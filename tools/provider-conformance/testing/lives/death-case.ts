import { expect } from '@jest/globals'
import type { Verb, VerbInput } from '@re-ops/protocols'
import { listJobs } from '@re-ops/re-core/testing'
import { machinesAgree } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { startQuiet, type Life } from './life.ts'

const withinMs = 60_000
const killed = new Error('killed here')

/** A guest whose CPUs stand still cannot be asked to stop. */
const laterVerbs: readonly (readonly [Exclude<Verb, 'create'>, VerbInput])[] = [
  ['resize', { size: 'larger', force: true }],
  ['reload', {}],
  ['destroy', {}],
]

/** Its worker dies once at each step of each verb that it comes to. */
const makeDeaths = () => {
  const died = new Set<string>()
  let verb: Verb = 'create'
  return {
    begin: (next: Verb): void => void (verb = next),
    at: (step: string): void => {
      const name = `${verb} ${step}`
      if (died.has(name)) return
      died.add(name)
      throw killed
    },
    died: (): string[] => [...died],
  }
}

/** What may happen twice or be forgotten when it is done and not written down. */
const dangerous = [
  'create freeze.done',
  'create create.sent',
  'create create.answered',
  'create create.saved',
  'resize resize.before',
  'resize resize.after',
  'reload destroy.before',
  'reload destroy.after',
  'reload create.sent',
  'reload create.answered',
  'destroy destroy.before',
  'destroy destroy.after',
]

/** Attempt after attempt until the verb is over, as after each start of a worker. */
const lead = async ({ world }: Life, attempt: (id: string) => Promise<void>, id: string, verb: Verb): Promise<void> => {
  const isOver = async () => {
    await attempt(id).catch((error: unknown) => {
      if (error !== killed) throw error
    })
    const [job] = await listJobs(world.pool, id, 1)
    return job?.verb === verb && job.finishedAt !== null
  }
  await world.until(`${verb} is over`, isOver, withinMs)
}

/** `chaos lifecycle --target qemu` kills processes, at single steps and at two; this shows each step once, in one life. */
export const deathCase: LifeCase = {
  ns: [24],
  letters: 'K',
  title: 'a worker that dies at every step of create, resize, reload and destroy: one machine, then none',
  limitMs: 120_000,
  run: async life => {
    const { world } = life
    const deaths = makeDeaths()
    // No message is worked on: each attempt is the one that is led here.
    const { attempt } = await startQuiet(life, { at: deaths.at, queue: queue => ({ ...queue, work: async () => {} }) })
    const id = await world.create('one')
    await lead(life, attempt, id, 'create')
    await machinesAgree(life, [id])
    for (const [verb, input] of laterVerbs) {
      deaths.begin(verb)
      await world.ask(id, verb, input)
      await lead(life, attempt, id, verb)
      await machinesAgree(life, [id])
    }
    expect(await world.row(id)).toMatchObject({ phase: 'gone', generation: 2, size: 'larger' })
    expect(deaths.died()).toEqual(expect.arrayContaining(dangerous))
    expect(await listJobs(world.pool, id, 9)).toEqual(
      ['destroy', 'reload', 'resize', 'create'].map(verb => expect.objectContaining({ verb, state: 'done' })),
    )
    expect([...world.mote.enrolments.values()].filter(one => !one.revoked)).toEqual([])
  },
}
