// The process that runs one live module. JavaScript, not TypeScript: Node's type stripper would cost each such process 40 ms and 50 MB.
// It is told what to do over descriptor 3, one line of JSON each way, and ends when the other side does. `--closed` is for the
// centre: no network, no processes, no files (those are refused by --permission), for parsers that come from outside.
import { registerHooks } from 'node:module'
import { Socket } from 'node:net'
import { SourceTextModule, SyntheticModule } from 'node:vm'

const closed = process.argv.includes('--closed')
const errorTextMax = 2_000
const channel = new Socket({ fd: 3, readable: true, writable: true })
let said = ''
/** What is said in one turn goes out in one piece: the starter wakes once. */
const say = message => {
  if (said === '') setImmediate(flush)
  said += `${JSON.stringify(message)}\n`
}
const flush = () => {
  channel.write(said)
  said = ''
}

if (closed) close()

const running = new Map()
let operations
let exported
let loading

/** What the code of a module may reach at the centre: nothing that talks to anybody. */
function close() {
  const pure = [
    'assert',
    'buffer',
    'crypto',
    'events',
    'os',
    'path',
    'querystring',
    'string_decoder',
    'timers',
    'url',
    'util',
    'zlib',
  ]
  const allowed = name => pure.includes(name.replace(/^node:/, '').split('/')[0])
  const refuse = name => {
    throw new Error(`${name} is not there where this parser runs`)
  }
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('data:') || allowed(specifier) ? next(specifier, context) : refuse(specifier),
  })
  const builtin = process.getBuiltinModule
  process.getBuiltinModule = name => (allowed(name) ? builtin(name) : refuse(name))
  for (const name of ['fetch', 'WebSocket', 'EventSource', 'Worker']) delete globalThis[name]
  for (const name of ['binding', 'dlopen', '_linkedBinding', 'kill', 'send', '_debugProcess'])
    process[name] = () => refuse(`process.${name}`)
}

const isOperation = value =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && (value.shell || value.native)

/** What the code imports, a module of Node as a rule, by Node's own loader and what it refuses. */
const imported = async specifier => {
  const names = await import(specifier)
  const keys = Object.keys(names)
  return new SyntheticModule(keys, function () {
    for (const key of keys) this.setExport(key, names[key])
  })
}
/** Not `import()` of its text: the loader of files would cost half a millisecond more, and many hosts wait for it. */
const evaluate = async code => {
  const module = new SourceTextModule(code, {
    identifier: 'module',
    importModuleDynamically: specifier => import(specifier),
  })
  await module.link(imported)
  await module.evaluate()
  return module.namespace
}

const load = async code => {
  exported = await evaluate(code)
  const found = Object.values(exported).filter(isOperation)
  operations = new Map(found.map(one => [one.name, one]))
}

const named = name => {
  const found = operations?.get(name)
  if (!found) throw new Error(`the module has no operation ${name}`)
  return found
}

/** What a shell form says about one input. Functions cannot travel; what they give can. */
const plan = ({ shell }, input) => {
  if (!shell) throw new Error('the operation has no shell form')
  const parts = {}
  for (const part of ['command', 'script', 'env', 'cwd', 'stdin', 'become', 'okCodes', 'timeoutMs', 'outputBytesMax'])
    if (typeof shell[part] === 'function') parts[part] = shell[part](input)
  return parts
}

/** A callback of an exported pipeline, by its place: `slow/steps/1`. */
const answer = (at, so) => {
  const step = at.split('/').reduce((part, key) => (Object.hasOwn(Object(part), key) ? part[key] : undefined), exported)
  if (typeof step?.inputFrom === 'function') return step.inputFrom(so.value)
  if (typeof step?.f !== 'function') throw new Error('there is none')
  const said = step.f({ ...so, ok: true })
  return step.kind === 'pick' ? Boolean(said) : said
}

const native = async (operation, id, input) => {
  if (typeof operation.native !== 'function') throw new Error('the operation has no native form')
  const controller = new AbortController()
  running.set(id, controller)
  return operation.native(input, { signal: controller.signal }).finally(() => running.delete(id))
}

const handle = async ({ id, ask, name, input, code, result }) => {
  // The first question comes together with the code.
  if (ask === 'load') return (loading = load(code))
  await loading
  if (ask === 'plan') return plan(named(name), input)
  if (ask === 'parse') return named(name).shell.parse(result, input)
  if (ask === 'code') return answer(name, input)
  if (ask === 'native') return native(named(name), id, input)
  throw new Error(`nothing is called ${ask}`)
}

const textOf = error => String(error instanceof Error ? error.message : error).slice(0, errorTextMax)

const onLine = async line => {
  const message = JSON.parse(line)
  const { id } = message
  if (message.ask === 'abort') return running.get(id)?.abort()
  try {
    const value = await handle(message)
    say({ id, ok: true, value: value === undefined ? null : value })
  } catch (error) {
    say({ id, ok: false, message: textOf(error) })
  }
}

let kept = ''
channel.setEncoding('utf8')
channel.on('data', text => {
  const lines = (kept + text).split('\n')
  kept = lines.pop() ?? ''
  for (const line of lines) void onLine(line)
})
// The other side is gone: whatever still runs here has nobody left to answer to.
channel.on('close', () => process.exit(0))
channel.on('error', () => process.exit(0))
process.on('unhandledRejection', error => process.stderr.write(`unhandled: ${textOf(error)}\n`))
/**
 * What a module goes through is itself loaded and compiled on first use: better now, while nobody waits. As if it came from
 * the other side, which hears by the answers, numbered 0, that we are ready. The first module takes the place of this one.
 */
const rehearsed = `import { sep } from 'node:path'
export const a = { name: 'a', shell: { command: () => [sep], parse: () => 1 }, native: async () => 1 }`
const rehearsal = [
  { ask: 'load', code: rehearsed },
  ...['plan', 'parse', 'native'].map(ask => ({ ask, name: 'a', input: {} })),
]
channel.push(rehearsal.map(one => `${JSON.stringify({ ...one, id: 0 })}\n`).join(''))
