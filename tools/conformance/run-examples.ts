import { operationNamed } from '@re-ops/operations'
import type { AnyOperation } from '@re-ops/pipelines'
import { differences, shortcoming, type Answers } from './compare.ts'
import type { Example, Family } from './example.ts'
import { missingOf, packages, type ProgramName } from './programs.ts'
import { transports, type Transport, type World } from './world.ts'

/** What became of one example. `differs` and `failed` say why, one line each. */
export type Verdict = {
  readonly operation: string
  readonly example: string
  readonly isError: boolean
  readonly end: 'pass' | 'differs' | 'failed' | 'skipped'
  readonly why: readonly string[]
}

type Deps = { readonly world: World; say(line: string): void }

/** Family by family, one call at a time: the machine is in the same state for both transports. */
export const runExamples = async (deps: Deps, families: readonly Family[]): Promise<Verdict[]> => {
  const verdicts: Verdict[] = []
  for (const family of families) {
    const found = await runFamily(deps, family)
    const bad = found.filter(one => one.end === 'differs' || one.end === 'failed')
    deps.say(
      `${family.name}: ${found.length} examples, ${bad.length === 0 ? 'no trouble' : `${bad.length} with trouble`}`,
    )
    verdicts.push(...found)
  }
  return verdicts
}

const runFamily = async ({ world }: Deps, family: Family): Promise<Verdict[]> => {
  const skip = (why: string) => family.examples.map(example => verdict(example, 'skipped', [why]))
  const lacking = await whyMissing(world, family.needs)
  if (lacking !== null) return skip(lacking)
  const { machine } = world
  try {
    if (family.setUp) await machine.sh(family.setUp)
  } catch (error) {
    return skip(`its set-up fails: ${messageOf(error)}`)
  }
  const verdicts: Verdict[] = []
  for (const example of family.examples) verdicts.push(await runExample(world, example))
  if (family.cleanUp) await machine.sh(family.cleanUp)
  return verdicts
}

const runExample = async (world: World, example: Example): Promise<Verdict> => {
  const lacking = await whyMissing(world, example.needs)
  if (lacking !== null) return verdict(example, 'skipped', [lacking])
  const operation = operationNamed(example.operation)
  if (!operation) return verdict(example, 'failed', ['there is no such operation'])
  try {
    const zmq = await answer(world, example, 'zmq')
    const ssh = await answer(world, example, 'ssh')
    return judged(operation, example, { zmq, ssh })
  } catch (error) {
    return verdict(example, 'failed', [messageOf(error)])
  }
}

const answer = async (world: World, example: Example, transport: Transport) => {
  const { setUp, cleanUp, operation, input = {}, endsMachine } = example
  if (setUp) await world.machine.sh(setUp)
  try {
    return await world.call(transport, operation, input)
  } finally {
    if (endsMachine) await world.again()
    if (cleanUp) await world.machine.sh(cleanUp)
  }
}

const judged = (operation: AnyOperation, example: Example, answers: Answers): Verdict => {
  const short = transports.flatMap(transport => {
    const why = shortcoming(example, answers[transport])
    return why === null ? [] : [`${transport} ${why}`]
  })
  const different = differences(operation, example, answers)
  if (different.length > 0) return verdict(example, 'differs', [...different, ...short])
  return verdict(example, short.length > 0 ? 'failed' : 'pass', short)
}

const verdict = (example: Example, end: Verdict['end'], why: readonly string[]): Verdict => ({
  operation: example.operation,
  example: example.name ?? (example.fails ? 'fails' : 'works'),
  isError: example.fails !== undefined,
  end,
  why,
})

const whyMissing = async ({ machine }: World, needs: readonly ProgramName[] = []): Promise<string | null> => {
  const missing = needs.length === 0 ? [] : await missingOf(machine.sh, needs)
  return missing.length === 0
    ? null
    : `${missing.join(', ')} missing (Debian: ${missing.map(name => packages[name]).join(' ')})`
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
