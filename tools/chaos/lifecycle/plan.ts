import { makeRandom } from '../foundation/random.ts'

/** Verbs of one life, in order; each is killed in. */
export const verbs = ['create', 'resize', 'reload', 'destroy'] as const
export type LifeVerb = (typeof verbs)[number]

/** By verb, the steps at which the worker dies: the first, and then (of a double) one of its successor's. */
export type Deaths = Readonly<Partial<Record<LifeVerb, readonly string[]>>>
/** By verb: steps, or what came after a death at each step. */
export type Traces = Readonly<Partial<Record<LifeVerb, readonly string[]>>>
export type Recoveries = Readonly<Partial<Record<LifeVerb, ReadonlyMap<string, readonly string[]>>>>

const lengthMax = (lists: readonly (readonly unknown[] | undefined)[]): number =>
  Math.max(0, ...lists.map(list => list?.length ?? 0))

/** Lives in which each list of deaths is used up; a shorter one begins again, so that nobody gets off. */
const lives = (lists: Readonly<Partial<Record<LifeVerb, readonly (readonly string[])[]>>>): Deaths[] =>
  Array.from({ length: lengthMax(Object.values(lists)) }, (_, n) =>
    Object.fromEntries(
      Object.entries(lists).flatMap(([verb, list]) => (list.length === 0 ? [] : [[verb, list[n % list.length]]])),
    ),
  )

/** What all of these lives came to: how often one looks before it moves on depends on time. */
export const common = (all: readonly Traces[]): Traces => {
  const [first = {}, ...others] = all
  return Object.fromEntries(
    Object.entries(first).map(([verb, steps]) => [
      verb,
      steps.filter(step => others.every(one => one[verb as LifeVerb]?.includes(step))),
    ]),
  )
}

/** Steps at which nobody has died yet, by the names of deaths. */
export const without = (traces: Traces, deaths: ReadonlySet<string>): Traces =>
  Object.fromEntries(
    Object.entries(traces).map(([verb, steps]) => [verb, steps.filter(step => !deaths.has(`${verb} ${step}`))]),
  )
export const countOf = (traces: Traces): number => Object.values(traces).reduce((all, steps) => all + steps.length, 0)

/** One death in each verb: together, one at every step. */
export const singles = (traces: Traces): Deaths[] =>
  lives(Object.fromEntries(Object.entries(traces).map(([verb, steps]) => [verb, steps.map(step => [step])])))

/**
 * Two deaths in each verb: the second at a step of the worker that took over after the first. All there are, or so many
 * of each verb, chosen by the seed.
 */
export const doubles = (recoveries: Recoveries, count: number | 'all', seed: number): Deaths[] => {
  const random = makeRandom(seed)
  const pairs = (after: ReadonlyMap<string, readonly string[]>): string[][] => {
    const all = [...after].flatMap(([first, steps]) => steps.map(second => [first, second]))
    return count === 'all' || count >= all.length ? all : random.some(all, count)
  }
  return lives(Object.fromEntries(Object.entries(recoveries).map(([verb, after]) => [verb, pairs(after)])))
}
