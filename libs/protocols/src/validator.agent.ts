import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Check, Errors } from 'typebox/value'
import type { Validator } from './validator.ts'

/** Checks by one schema that took so much of the processor within so long are work; heartbeats, which never end, are not. */
const hot = { spentMs: 10, withinMs: 10_000 }

/** Of this thread. Not the clock's: who waits for a processor that others have is not busy. */
const processorMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/**
 * For the agent, which mostly waits: walks the schema at each check and compiles one only when it is busy with it, since
 * the compiler (in the bundle a file of its own) takes 3 MB of a host. Taken instead of validator.ts by the condition
 * `agent` of package.json.
 */
export const makeValidator = (schema: TSchema): Validator => {
  let compiled: ReturnType<typeof Compile> | undefined
  let since = 0
  let spentMs = 0
  const walk = (value: unknown): boolean => {
    const now = process.uptime() * 1000
    if (now - since > hot.withinMs) [since, spentMs] = [now, 0]
    const from = processorMs()
    const fits = Check(schema, value)
    spentMs += processorMs() - from
    if (spentMs > hot.spentMs) compiled = Compile(schema)
    return fits
  }
  return {
    check: value => (compiled === undefined ? walk(value) : compiled.Check(value)),
    errors: value => Errors(schema, value),
  }
}
