import { parse, type Node } from 'acorn'
import { analyze } from 'eslint-scope'
import { runInNewContext } from 'node:vm'

/** What Node adds to the language's own globals, and is there where a module runs. */
const nodeGlobals = [
  'AbortController', 'AbortSignal', 'Blob', 'Buffer', 'BroadcastChannel', 'CompressionStream', 'DOMException', 'DecompressionStream',
  'Event', 'EventTarget', 'File', 'FormData', 'Headers', 'MessageChannel', 'Request', 'Response', 'ReadableStream', 'TextDecoder',
  'TextEncoder', 'TransformStream', 'URL', 'URLSearchParams', 'WebSocket', 'WritableStream', 'atob', 'btoa', 'clearImmediate',
  'clearInterval', 'clearTimeout', 'console', 'crypto', 'fetch', 'globalThis', 'navigator', 'performance', 'process', 'queueMicrotask',
  'setImmediate', 'setInterval', 'setTimeout', 'structuredClone', 'undefined', 'NaN', 'Infinity',
] // prettier-ignore

/** A fresh context holds the language's globals and none of what was typed at the prompt. */
const known = (): ReadonlySet<string> =>
  new Set([...nodeGlobals, ...(runInNewContext('Object.getOwnPropertyNames(globalThis)') as string[])])

export type Captured =
  | {
      readonly ok: true
      /** Names it uses from outside, without those that are everywhere. */ readonly names: readonly string[]
    }
  | { readonly ok: false; readonly why: string }

/** The names that a function uses and does not define, in the order they are met. `source` is an expression. */
export const capturedBy = (source: string): Captured => {
  try {
    const ast = parse(`(${source})`, { ecmaVersion: 'latest', sourceType: 'module', ranges: true })
    const scopes = analyze(ast as never, { ecmaVersion: 2026, sourceType: 'module' })
    const everywhere = known()
    const through = scopes.globalScope?.through ?? []
    const names = through.map(({ identifier }) => (identifier as unknown as Node & { name: string }).name)
    return { ok: true, names: [...new Set(names)].filter(name => !everywhere.has(name)) }
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.message : String(error) }
  }
}
