import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { moduleOfFunction, openModuleFile, type Made } from '@re-ops/live/make'
import { newId, newSigningKeys, signModule, type SignedModule } from '@re-ops/protocols'
import { startCluster, type Cluster } from './testing/cluster.ts'
import { until } from './testing/process.ts'

let c: Cluster
beforeEach(async () => {
  c = await startCluster()
})
afterEach(() => c.close())

const sign = (made: Made, subject = 'ann'): SignedModule => {
  const { code, operations, limits } = made
  return signModule(c.broker.moduleKeys, { code, operations, limits }, subject)
}
/** A function that the broker hands out, and how to call it. */
const offer = (source: string, limits?: Made['limits']) => {
  const made = moduleOfFunction(source)
  const module = sign(limits ? { ...made, limits } : made)
  c.broker.modules.set(module.hash, module)
  return { operation: 'prompt.function', module: module.hash }
}
const fileOf = async (text: string): Promise<Made> => {
  const path = join(c.folder, 'operations.ts')
  writeFileSync(path, text)
  const file = await openModuleFile(path, c.folder)
  try {
    return await file.make()
  } finally {
    await file.close()
  }
}
const pulls = () => c.broker.received.filter(m => m.kind === 'module.pull').length
const alive = async () => expect(await c.result(await c.shell({ argv: ['true'] }))).toMatchObject({ ok: true })

const greeting = `import { operation, Type } from '@re-ops/pipelines'
export const greeting = operation({
  name: 'my.greeting', doc: 'Greets.', reads: true,
  input: Type.Object({ whom: Type.String() }), output: Type.Object({ text: Type.String(), call: Type.Boolean() }),
  shell: {
    script: ({ whom }) => 'echo "hello $NAME ' + whom + '"; env | grep -c REOPS_CALL_ID; exit 3',
    env: () => ({ NAME: 'dear' }),
    okCodes: () => [3],
    parse: ({ stdout, code }) => ({ text: stdout.split('\\n')[0] + code, call: stdout.split('\\n')[1] === '1' }),
  },
})`

test('a shell form runs as any command of the agent, its functions in the process of the module', async () => {
  const module = sign(await fileOf(greeting))
  c.broker.modules.set(module.hash, module)
  c.start()
  await c.online()
  const what = { operation: 'my.greeting', module: module.hash }
  expect(await c.result(await c.call({ ...what, input: { whom: 'world' } }))).toEqual({
    ok: true,
    value: { text: 'hello dear world3', call: true },
  })
  expect(await c.result(await c.call({ ...what, input: { whom: 1 } }))).toMatchObject({
    failure: { kind: 'invalid', message: expect.stringContaining('/whom'), started: 'no' },
  })
  expect(await c.result(await c.call({ operation: 'my.other', module: module.hash }))).toMatchObject({
    failure: { kind: 'rejected', message: expect.stringContaining('no operation my.other') },
  })
})

test('a module is pulled once for many calls, and found on disk after a restart', async () => {
  const what = offer('({ input }) => input.n * 2')
  const first = c.start()
  await c.online()
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => c.call({ ...what, input: { n } })))
  const results = await Promise.all(ids.map(id => c.result(id)))
  expect(results).toEqual(ids.map((_, n) => ({ ok: true, value: n * 2 })))
  expect(pulls()).toBe(1)
  await first.kill('SIGTERM')
  c.start()
  await c.online(2)
  expect(await c.result(await c.call({ ...what, input: { n: 21 } }))).toEqual({ ok: true, value: 42 })
  expect(pulls()).toBe(1)
})

const sendAhead = async (module: SignedModule, hash = module.hash) => {
  const data = Buffer.from(JSON.stringify(module)).toString('base64')
  await c.broker.send('module.part', { hash, part: 0, of: 1, data })
}

test('a module that came ahead of its calls is not pulled; one that is not genuine is refused, then pulled', async () => {
  c.start()
  await c.online()
  const good = sign(moduleOfFunction('({ input }) => input.n * 2'))
  const what = { operation: 'prompt.function', module: good.hash }
  await sendAhead({ ...good, subject: 'bob' }, good.hash)
  expect(await c.result(await c.call({ ...what, input: { n: 1 } }))).toMatchObject({
    failure: { kind: 'rejected', message: expect.stringContaining('its signature is not genuine') },
  })
  expect(pulls()).toBe(0)
  await sendAhead(good)
  const ids = await Promise.all([1, 2].map(n => c.call({ ...what, input: { n } })))
  expect(await Promise.all(ids.map(id => c.result(id)))).toEqual([2, 4].map(value => ({ ok: true, value })))
  expect(pulls()).toBe(0)
})

test('a module may import modules of Node, at once and later, and wait while it loads', async () => {
  const text = `import { operation, Type } from '@re-ops/pipelines'
import * as os from 'node:os'
import { join } from 'node:path'
const later = await Promise.resolve('waited')
export const parts = operation({
  name: 'my.parts', doc: 'x', reads: true, input: Type.Object({}), output: Type.Array(Type.String()),
  native: async () => [typeof os.hostname(), join('a', 'b'), later, (await import('node:url')).pathToFileURL('/a').href],
})`
  const module = sign(await fileOf(text))
  c.broker.modules.set(module.hash, module)
  c.start()
  await c.online()
  const what = { operation: 'my.parts', module: module.hash }
  expect(await c.result(await c.call(what))).toEqual({ ok: true, value: ['string', 'a/b', 'waited', 'file:///a'] })
})

test('what was tampered with is refused: content, signature, key, and the file in the cache', async () => {
  const good = sign(moduleOfFunction('() => 1'))
  const bad: SignedModule[] = [
    { ...good, code: good.code.replace('() => 1', '() => 2') },
    { ...good, subject: 'bob' },
    { ...good, signature: good.signature.replace(/^./, one => (one === 'A' ? 'B' : 'A')) },
    signModule(newSigningKeys(), good, 'ann'),
  ]
  c.start()
  await c.online()
  const what = { operation: 'prompt.function', module: good.hash }
  for (const module of bad) {
    c.broker.modules.set(good.hash, module)
    expect(await c.result(await c.call(what))).toMatchObject({
      failure: {
        kind: 'rejected',
        message: expect.stringMatching(/is refused: its|is refused: it is signed/),
        started: 'no',
      },
    })
  }
  expect(existsSync(join(c.folder, 'modules'))).toBe(false)
  c.broker.modules.set(good.hash, good)
  expect(await c.result(await c.call(what))).toEqual({ ok: true, value: 1 })
  await alive()
})

test('a changed file in the cache is not trusted, but pulled again', async () => {
  const what = offer('() => 1')
  const first = c.start()
  await c.online()
  await c.result(await c.call(what))
  const path = join(c.folder, 'modules', `${what.module}.json`)
  await until('it is kept', () => existsSync(path))
  writeFileSync(path, readFileSync(path, 'utf8').replace('() => 1', '() => 2'))
  await first.kill('SIGTERM')
  c.start()
  await c.online(2)
  expect(await c.result(await c.call(what))).toEqual({ ok: true, value: 1 })
  expect(pulls()).toBe(2)
})

test('a revoked module is ended, forgotten and refused', async () => {
  const what = offer('() => new Promise(() => setInterval(() => {}, 1000))')
  c.start()
  await c.online()
  const runs = await c.call(what)
  await until('the ack', () => c.broker.received.some(m => m.kind === 'call.acked'))
  await until('it is kept', () => existsSync(join(c.folder, 'modules', `${what.module}.json`)))
  await c.broker.send('module.revoked', { hashes: [what.module] })
  expect(await c.result(runs)).toMatchObject({
    failure: { message: expect.stringContaining('the module was revoked') },
  })
  expect(await c.result(await c.call(what))).toMatchObject({
    failure: { kind: 'rejected', message: expect.stringContaining('it is revoked') },
  })
  expect(readdirSync(join(c.folder, 'modules'))).toEqual([])
  const unknown = '0'.repeat(64)
  expect(await c.result(await c.call({ ...what, module: unknown }))).toMatchObject({
    failure: { kind: 'rejected', message: `module ${unknown} is refused: there is no such module` },
  })
})

test.each([
  ['memory', '() => { const kept = []; for (;;) kept.push(Buffer.alloc(1e7, 1)) }', 'exit', '64 MiB of memory'],
  [
    'memory of its children',
    `({}) => process.getBuiltinModule('node:child_process').execSync('x=$(head -c 200000000 /dev/zero | tr "\\\\0" x); sleep 60')`,
    'exit',
    '64 MiB of memory',
  ],
  ['time', '() => { for (;;); }', 'timeout', 'not done after 1500 ms'],
  ['results', `() => 'x'.repeat(2e6)`, 'exit', 'answered with more than'],
  [
    'output',
    `async () => { for (;;) await new Promise(done => process.stdout.write('y'.repeat(10000), done)) }`,
    'exit',
    'of output',
  ],
  ['life', '() => process.exit(3)', 'exit', 'its process ended with 3'],
])('too much %s ends the process of the module, with the reason, and the agent lives', async (_, source, kind, why) => {
  const limits = { memoryBytesMax: 100_000_000, outputBytesMax: 1_000_000 }
  const what = offer(source, limits)
  c.start()
  await c.online()
  const id = await c.call(what, { timeoutMs: kind === 'timeout' ? 1_500 : 30_000 })
  const message = why.replace('64 MiB', '95 MiB')
  expect(await c.result(id)).toMatchObject({ ok: false, failure: { kind, message: expect.stringContaining(message) } })
  await alive()
  expect(await c.result(await c.call(offer('() => 7')))).toEqual({ ok: true, value: 7 })
})

test('the process of a module sees nothing of the agent’s environment and dies with the agent', async () => {
  const what = offer(`() => ({ pid: process.pid, env: Object.keys(process.env) })`)
  const agent = c.start({ REGENT_SECRET: 'no' })
  await c.online()
  const result = await c.result(await c.call(what))
  const { pid, env } = (result as { value: { pid: number; env: string[] } }).value
  expect(env.filter(name => /^(RE|NODE)/.test(name))).toEqual([])
  await agent.kill('SIGKILL')
  await until(
    'it ended',
    () => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '),
  )
})

test('the policy of the host refuses by operation, shell, module, subject, and names its rule; changes count within a second', async () => {
  const what = offer('() => 1')
  const commands = sign(await fileOf(greeting))
  c.broker.modules.set(commands.hash, commands)
  const path = join(c.folder, 'own-policy.json')
  const set = (policy: unknown) => writeFileSync(path, typeof policy === 'string' ? policy : JSON.stringify(policy))
  set({ modules: 'none' })
  c.start({ REGENT_POLICY: path })
  await c.online()
  type What = { operation: string; module?: string; input?: unknown }
  const answers = async (call: What, expected: string) => {
    const started: unknown[] = []
    for (let said = ''; !said.includes(expected);) {
      const result = await c.result(await c.call(call))
      said = result?.ok === false ? result.failure.message : 'ok'
      started.push(result?.ok === false ? [result.failure.kind, result.failure.started] : 'ok')
    }
    return started.at(-1)
  }
  const refused = async (call: What, rule: string) => expect(await answers(call, rule)).toEqual(['rejected', 'no'])
  await refused(what, 'modules is "none"')
  expect(pulls()).toBe(0)
  set({ modules: { subjects: ['ci-*'] } })
  await refused(what, 'modules.subjects does not have ann')
  set({ modules: { hashes: ['1'.repeat(64)] } })
  await refused(what, 'modules.hashes does not have')
  set({ shell: false })
  await refused({ operation: 'shell', input: { argv: ['true'] } }, 'shell is false')
  await refused({ operation: 'my.greeting', module: commands.hash, input: { whom: 'a' } }, 'shell is false')
  expect(await answers(what, 'ok')).toBe('ok')
  set({ operations: { deny: ['sh*'] } })
  await refused({ operation: 'shell', input: { argv: ['true'] } }, 'operations.deny has "sh*"')
  set({ operations: { allow: ['ping'] } })
  await refused(what, 'operations.allow does not have prompt.function')
  set('{')
  await refused({ operation: 'ping' }, 'is not JSON')
  set({ modules: { hashes: [what.module] } })
  expect(await answers(what, 'ok')).toBe('ok')
})

test('a policy that is wrong or missing at the start is exit 2 and one line', async () => {
  const agent = c.start({ REGENT_POLICY: join(c.folder, 'none.json') })
  expect(await agent.exited).toBe(2)
  expect(agent.stderr()).toMatch(/re-gent: the policy .*none\.json is not there\n/)
})

test('an id that comes again while its module is on its way starts once', async () => {
  const what = offer(`({ fs, input }) => fs.appendFile(input.path, 'x')`)
  c.start()
  await c.online()
  const id = newId()
  const input = { path: join(c.folder, 'marks') }
  await Promise.all([c.call({ ...what, input }, { id }), c.call({ ...what, input }, { id })])
  expect(await c.result(id)).toMatchObject({ ok: true })
  await alive()
  expect(readFileSync(input.path, 'utf8')).toBe('x')
})
