import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { makeProgram } from '../program.ts'
import { reops, serve, type Service } from '../testing.ts'
import { complete, type Names } from './complete.ts'
import { shells } from './scripts.ts'

const hosts = [
  { name: 'demo-1', labels: { type: 'demo' } },
  { name: 'web-1', labels: { role: 'web' } },
]
const input = {
  type: 'object',
  properties: { top: { type: 'integer' }, by: { enum: ['cpu', 'memory'], description: 'order' } },
}
const names: Names = {
  operations: async () => [
    { name: 'process.list', doc: 'Processes.', input },
    { name: 'ping', doc: 'Reach it.', input: {} },
  ],
  hosts: async () => hosts,
  systems: async () => [{ name: 'demo-1', phase: 'ready' }],
  selectors: async () => ['canary'],
  runs: async () => [{ id: '0193', on: '*' }],
}
const program: Command = makeProgram({
  context: {} as Context,
  command: null,
  version: '0',
  environment: {},
  finish: () => undefined,
  write: { out: () => undefined, error: () => undefined },
})
const words = async (...typed: string[]) => (await complete(program, typed, names)).map(one => one.word)

test.each([
  [['sy'], ['systems']],
  [
    ['systems', 'st'],
    ['start', 'stop'],
  ],
  [
    ['run', 'p'],
    ['process.list', 'ping'],
  ],
  [
    ['run', 'process.list', ''],
    ['top=', 'by='],
  ],
  [['run', 'process.list', 'by=cpu', ''], ['top=']],
  [
    ['run', 'process.list', 'by='],
    ['by=cpu', 'by=memory'],
  ],
  [
    ['run', 'ping', '--on', ''],
    ['*', 'demo-1', 'web-1', 'role=web', 'type=demo', '@canary'],
  ],
  [['run', 'ping', '--on', 'role'], ['role=web']],
  [['hosts', '--on', '@'], ['@canary']],
  [['hosts', 'show', 'd'], ['demo-1']],
  [['hosts', 'show', 'demo-1', ''], []],
  [['systems', 'destroy', 'demo-1', '--y'], ['--yes']],
  [
    ['systems', 'create', '--provider', ''],
    ['local', 'kvm', 'ec2', 'digitalocean', 'physical'],
  ],
  [['systems', 'create', '--count', ''], []],
  [['operations', 'show', 'pi'], ['ping']],
  [['runs', 'cancel', ''], ['0193']],
  [['help', 'sel'], ['selectors']],
  [
    ['help', 'hosts', 're'],
    ['rename', 'revoke', 'release', 'remove'],
  ],
  [['run', 'my/'], ['@files']],
  [['inventory', 'import', ''], ['@files']],
  [['run', '--on', '*', '--', 'una'], []],
])('%j may become %j', async (typed, expected) => {
  expect(await words(...typed)).toEqual(expected)
})

test('every command of the table can be reached, and is offered with what it is for', async () => {
  const walk = async (command: Command, path: readonly string[]): Promise<void> => {
    const shown = command.commands.filter(one => one.name() !== 'complete')
    const offered = await complete(program, [...path, ''], names)
    for (const one of shown) {
      expect(offered).toContainEqual({ word: one.name(), doc: one.description() })
      await walk(one, [...path, one.name()])
    }
  }
  await walk(program, [])
})

let service: Service
let folder: string
beforeAll(async () => {
  service = await serve(({ path }) => {
    if (path.startsWith('/v1/hosts')) {
      const host = { address: '', user: '', os: '', online: true, transport: 'zmq', pid: 1, state: 'enrolled' }
      const rest = { system: null, version: null, seenAt: null, facts: null, stateReason: null }
      return {
        body: hosts.map((one, at) => ({ ...host, ...rest, ...one, id: `0193f2a4-8f00-7000-8000-00000000000${at}` })),
      }
    }
    return path.startsWith('/v1/selectors') ? { body: [] } : undefined
  })
  folder = mkdtempSync(join(tmpdir(), 'reops-completion-'))
  const bin = fileURLToPath(new URL('../../bin/reops.mjs', import.meta.url))
  writeFileSync(join(folder, 'reops'), `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`)
  chmodSync(join(folder, 'reops'), 0o755)
})
afterAll(async () => {
  await service.close()
  rmSync(folder, { recursive: true, force: true })
})

const environment = () => ({
  PATH: `${folder}:${process.env['PATH']}`,
  HOME: folder,
  REOPS_MOTE_URL: service.url,
  REOPS_TOKEN: 'a',
  REOPS_COMPLETION_MS: '20000', // this machine may be busy with other tests
})
const shell = (name: string, ...args: readonly string[]) =>
  promisify(execFile)(name, args, { env: environment(), timeout: 60_000, cwd: folder })

test.each(shells)('the script for %s is one that it understands', async name => {
  const { code, out } = await reops(['completion', name])
  expect(code).toBe(0)
  writeFileSync(join(folder, `completion.${name}`), out)
  const checked = await shell(name, '-n', `completion.${name}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    process.stderr.write(`the script for ${name} is not tried: there is no ${name}\n`)
  })
  expect(checked ?? { stderr: '' }).toMatchObject({ stderr: '' })
})

/** What bash would show; `line` as it is typed, `words` as bash cuts it. */
const inBash = async (line: string, cut: readonly string[]): Promise<string[]> => {
  const array = cut.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const text = `eval "$(reops completion bash)"; compopt() { :; }
COMP_WORDS=(${array}); COMP_CWORD=${cut.length - 1}; COMP_LINE='${line.replaceAll("'", `'\\''`)}'; COMP_POINT=\${#COMP_LINE}
_reops; printf '%s\\n' "\${COMPREPLY[@]}"`
  return (await shell('bash', '-c', text)).stdout.trim().split('\n')
}

test('in bash, hosts of the cluster are completed, in words that bash cuts at = and in quotes', async () => {
  expect(await inBash('reops run ping --on de', ['reops', 'run', 'ping', '--on', 'de'])).toEqual(['demo-1'])
  expect(await inBash('reops run ping --on role=w', ['reops', 'run', 'ping', '--on', 'role', '=', 'w'])).toEqual([
    'web',
  ])
  expect(await inBash('reops run ping --on role=', ['reops', 'run', 'ping', '--on', 'role', '='])).toEqual(['web'])
  expect(await inBash("reops run ping --on 'role=w", ['reops', 'run', 'ping', '--on', "'role=w"])).toEqual(['role=web'])
  expect(await inBash('reops systems cr', ['reops', 'systems', 'cr'])).toEqual(['create'])
}, 60_000)

test('without a cluster commands are completed all the same, and nothing is complained of', async () => {
  const { code, out, error } = await reops(['complete', '--', 'hosts', 'show', ''], { cwd: folder })
  expect({ code, out, error }).toEqual({ code: 0, out: '', error: '' })
  const some = await reops(['complete', '--', 'hosts', 'sh'], { cwd: folder })
  expect(some.out).toBe('show\tall about one host: state, agent, labels, facts\n')
})

test('an unknown shell is told which there are', async () => {
  expect(await reops(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    error:
      'reops: no completion for `tcsh`; allowed are bash, zsh, fish; for example: eval "$(reops completion bash)"\n',
  })
})

test('help of a command is asked for either way', async () => {
  const [behind, before] = await Promise.all([reops(['hosts', 'add', '--help']), reops(['help', 'hosts', 'add'])])
  expect(before).toEqual(behind)
  expect(before).toMatchObject({ code: 0, error: '', out: expect.stringContaining('Examples:') })
})
