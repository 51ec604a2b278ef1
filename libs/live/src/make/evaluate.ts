import { operation, Type } from '@re-ops/pipelines'
import { hostSymbol } from './plugin.ts'

/**
 * Evaluates a bundled module here, with the real `operation` and `Type`, and gives what it exports. This is the user's own
 * code on the user's own machine; a service never does this.
 */
export const evaluate = async (code: string): Promise<Readonly<Record<string, unknown>>> => {
  Object.defineProperty(globalThis, Symbol.for(hostSymbol), { value: { operation, Type }, configurable: true })
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
  return (await import(url)) as Readonly<Record<string, unknown>>
}
