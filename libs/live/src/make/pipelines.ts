import { encodeStep, NotDataError, type AnyStep } from '@re-ops/pipelines'
import type { StepData } from '@re-ops/protocols'
import { ModuleError, type Made } from './module.ts'

const kinds: ReadonlySet<unknown> = new Set([
  'call',
  'sequence',
  'recover',
  'retry',
  'gather',
  'via',
  'map',
  'pick',
  'tap',
])

/** Whether an export is a step: `pipeline(...)`, or an operation that was called with its input. */
export const isStep = (value: unknown): value is AnyStep =>
  typeof value === 'object' && value !== null && kinds.has((value as { kind?: unknown }).kind)

/** Whether somewhere in it a function of the file is asked: `map`, `pick`, `tap`, `operation.with`. */
export const hasCallback = (step: unknown): boolean => {
  if (Array.isArray(step)) return step.some(hasCallback)
  if (typeof step !== 'object' || step === null) return false
  const { f, inputFrom, steps, step: inner, fallback } = step as Readonly<Record<string, unknown>>
  return typeof f === 'function' || typeof inputFrom === 'function' || [steps, inner, fallback].some(hasCallback)
}

/**
 * The pipelines of a file as data, by the names it exports them under. Calls of operations of the file name its module; all others are the
 * catalogue's. Throws ModuleError for what cannot travel: an input that is not JSON.
 */
export const pipelinesOf = (
  where: string,
  exported: Readonly<Record<string, unknown>>,
  module: Made | null,
): Readonly<Record<string, StepData>> => {
  const own = new Set(module?.operations.map(one => one.name))
  const named = (data: StepData): StepData => {
    switch (data.kind) {
      case 'call':
        return module && own.has(data.operation) ? { ...data, module: module.hash } : data
      case 'sequence':
        return { ...data, steps: data.steps.map(named) }
      case 'recover':
        return { ...data, step: named(data.step), fallback: named(data.fallback) }
      case 'retry':
      case 'via':
        return { ...data, step: named(data.step) }
      default:
        return data
    }
  }
  return Object.fromEntries(
    Object.entries(exported).flatMap(([name, value]) => {
      if (!isStep(value)) return []
      try {
        const codeAt = (path: string) => module && { module: module.hash, at: `${name}${path}` }
        return [[name, named(encodeStep(value, codeAt))]]
      } catch (error) {
        throw error instanceof NotDataError ? new ModuleError([`${where}: ${name}: ${error.message}`]) : error
      }
    }),
  )
}
