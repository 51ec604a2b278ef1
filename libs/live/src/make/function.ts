import { operation, Type } from '@re-ops/pipelines'
import { capturedBy } from './captured.ts'
import { moduleOf, ModuleError, type Made } from './module.ts'

/** What a function that was typed is called as an operation. */
export const functionName = 'prompt.function'

/** What a shipped function gets. `fs` is node:fs/promises of the host. */
export type FunctionContext = {
  readonly input: never
  readonly signal: AbortSignal
  readonly fs: typeof import('node:fs/promises')
  readonly os: typeof import('node:os')
  readonly path: typeof import('node:path')
}

/** Only what a function asks for is loaded. */
const moduleText = (source: string): string => `const f = (${source});
const lazy = name => ({ enumerable: true, get: () => process.getBuiltinModule(name) });
const builtins = { fs: lazy('node:fs/promises'), os: lazy('node:os'), path: lazy('node:path') };
export default {
  name: '${functionName}',
  native: async (input, { signal }) => f(Object.defineProperties({ input, signal }, builtins)),
};
`

/**
 * A function as a live module, to be run on hosts: `async ({ fs }) => (await fs.readdir('/etc/cron.d')).length`. Throws
 * ModuleError naming what it captures: a host cannot see the variables of the place where it was written.
 */
export const moduleOfFunction = (f: ((context: never) => unknown) | string): Made => {
  const source = sourceOf(f)
  const captured = capturedBy(source)
  if (!captured.ok) throw refused(`this is not a function that can travel: ${captured.why}`)
  if (captured.names.length > 0) throw refused(capturedText(captured.names))
  const shown = source.replace(/\s+/g, ' ').slice(0, 200)
  const described = operation({
    name: functionName,
    doc: `A function that was typed: ${shown}`,
    input: Type.Unknown(),
    output: Type.Unknown(),
    native: async () => null,
  })
  return moduleOf('function', moduleText(source), { default: described })
}

const refused = (why: string) => new ModuleError([`refused: ${why}`])

const capturedText = (names: readonly string[]): string => {
  const quoted = names.map(name => `\`${name}\``)
  const last = quoted.at(-1) as string
  const list = quoted.length === 1 ? last : `${quoted.slice(0, -1).join(', ')} and ${last}`
  const them = names.length === 1 ? 'it' : 'them'
  const example =
    names.length === 1
      ? `run('*', ({ input }) => input, { input: ${names[0]} })`
      : `run('*', ({ input }) => input.${names[0]}, { input: { ${names.join(', ')} } })`
  return `${list} ${names.length === 1 ? 'is' : 'are'} captured from the prompt; hosts cannot see ${them}. Pass ${them}: ${example}`
}

const sourceOf = (f: ((context: never) => unknown) | string): string => {
  const text = typeof f === 'string' ? f.trim() : Function.prototype.toString.call(f)
  if (/\{\s*\[native code\]\s*\}$/.test(text))
    throw refused('it is built in, or bound to something; write a function of your own')
  if (/^class\b/.test(text)) throw refused('it is a class; a function is needed')
  return method.test(text) ? text.replace(method, '$1function ') : text
}
/** `async name(x) {...}` of an object is no expression by itself. */
const method = /^(async\s+)?(?!async\b|function\b)(?=[\w$]+\s*\([^)]*\)\s*\{)[\w$]+\s*(?=\()/
