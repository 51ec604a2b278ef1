import type { CodeRef, StepData } from '@re-ops/protocols'
import { nodeOf, type AnyStep, type Node } from './step.ts'

/** A step that cannot travel: it holds a callback or an input that is not JSON. */
export class NotDataError extends Error {
  override readonly name = 'NotDataError'
}

const shown = (f: unknown) => JSON.stringify(String(f).replace(/\s+/g, ' ').slice(0, 60))

/** Where the code of the callback at a place (`/steps/1`) can be had, or null. */
export type CodeAt = (path: string) => CodeRef | null

/**
 * A step as data. Its callbacks are named by `codeAt`. Throws NotDataError naming the callback (or the part of an input) that is not data.
 */
export const encodeStep = (step: AnyStep | Node, codeAt: CodeAt = () => null): StepData =>
  encode(nodeOf(step), '', codeAt)

const encode = (node: Node, path: string, codeAt: CodeAt): StepData => {
  const at = path === '' ? '' : ` at ${path}`
  switch (node.kind) {
    case 'call': {
      const code = node.with ?? (node.inputFrom ? codeAt(path) : undefined)
      if (code === null)
        throw new NotDataError(
          `${node.operation}.with${at} takes a callback, which is not data: ${shown(node.inputFrom)}`,
        )
      const input = node.input ?? {}
      const why = whyNotJson(input, '')
      if (why) throw new NotDataError(`input of ${node.operation}${at}: ${why.trimStart()}`)
      return {
        kind: 'call',
        operation: node.operation,
        ...(node.module === undefined ? {} : { module: node.module }),
        ...(isEmpty(input) ? {} : { input }),
        ...(code === undefined ? {} : { with: { module: code.module, at: code.at } }),
        ...(node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }),
      }
    }
    case 'sequence':
      return { kind: 'sequence', steps: node.steps.map((one, n) => encode(one, `${path}/steps/${n}`, codeAt)) }
    case 'recover': {
      const step = encode(node.step, `${path}/step`, codeAt)
      const fallback = encode(node.fallback, `${path}/fallback`, codeAt)
      return { kind: 'recover', step, fallback, ...(node.on ? { on: [...node.on] } : {}) }
    }
    case 'retry': {
      const step = encode(node.step, `${path}/step`, codeAt)
      return { kind: 'retry', step, times: node.times, ...(node.on ? { on: [...node.on] } : {}) }
    }
    case 'gather':
      return { kind: 'gather' }
    case 'via':
      return { kind: 'via', transport: node.transport, step: encode(node.step, `${path}/step`, codeAt) }
    case 'refused':
      throw new NotDataError(`${node.operation}${at} is refused in a dry run, and no step of its own`)
    case 'named':
      return { kind: node.of, module: node.module, at: node.at }
    default: {
      const code = codeAt(path)
      if (code === null)
        throw new NotDataError(`${node.kind}${at} takes a callback, which is not data: ${shown(node.f)}`)
      return { kind: node.kind, module: code.module, at: code.at }
    }
  }
}

const isEmpty = (value: unknown) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0

const nestingMax = 64

/** Why a value would not survive as JSON, with the path, or null. */
const whyNotJson = (value: unknown, path: string, depth = 0): string | null => {
  if (depth > nestingMax) return `${path} is nested deeper than ${nestingMax}`
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}, which is not JSON`
  if (typeof value !== 'object') return `${path} is a ${typeof value}, which is not JSON`
  if (Array.isArray(value))
    return value.reduce<string | null>((why, one, n) => why ?? whyNotJson(one, `${path}/${n}`, depth + 1), null)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    return `${path} is a ${value.constructor.name}, which is not JSON`
  for (const [key, one] of Object.entries(value)) {
    const why = one === undefined ? null : whyNotJson(one, `${path}/${key}`, depth + 1)
    if (why) return why
  }
  return null
}
