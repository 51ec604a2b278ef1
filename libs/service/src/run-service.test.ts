import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type StdioOptions } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAddressFile } from './address-file.ts'
import { testPostgres, type TestPostgres } from './testing/index.ts'
import { until } from './testing/wait.ts'

const script = createRequire(import.meta.url).resolve('./testing/service.ts')
let folder: string
let postgres: TestPostgres
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 're-ops-service-'))
  postgres = await testPostgres()
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await postgres.drop()
})

const run = (environment: Record<string, string> = {}, stdio: StdioOptions = ['ignore', 'pipe', 'pipe']) => {
  const child = spawn(process.execPath, [script], {
    stdio,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      REOPS_STATE: folder,
      ...environment,
    },
  })
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (bytes: Buffer) => (text.stdout += bytes.toString()))
  child.stderr?.on('data', (bytes: Buffer) => (text.stderr += bytes.toString()))
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  return { child, text, ended }
}

describe('a service that starts', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`prints one ready line, says where it is, and stops in order on ${signal}`, async () => {
      const { child, text, ended } = run()
      await until(() => text.stdout.includes('ready'))
      const address = await readAddressFile(folder, 'try')
      expect(text.stdout).toBe(`try ready ${String(address?.['url'])}\n`)
      expect(address?.['pid']).toBe(child.pid)
      child.kill(signal)
      expect(await ended).toBe(0)
      expect(text.stdout.split('\n').slice(1)).toEqual(['server stopped', 'first stopped', ''])
      expect([text.stderr, await readAddressFile(folder, 'try')]).toEqual(['', null])
    })
  }

  test('stops when its parent goes', async () => {
    const { child, text } = run({}, ['ignore', 'pipe', 'pipe', 'ipc'])
    await until(() => text.stdout.includes('ready'))
    const exited = new Promise<number | null>(resolve => child.once('exit', resolve)) // no `close` follows a disconnect
    child.disconnect()
    expect(await exited).toBe(0)
  })

  test('a part that does not stop is named after four seconds, and the rest is stopped too', async () => {
    const { child, text, ended } = run({ TRY_SLOW: 'true' })
    await until(() => text.stdout.includes('ready'))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(text.stderr).toBe('try: stopping slow part: did not stop in time\n')
    expect(text.stdout).toContain('first stopped')
  })

  test('a bug that nobody catches stops it in order with exit code 1', async () => {
    const { text, ended } = run({ TRY_BUG: 'true' })
    expect(await ended).toBe(1)
    expect(text.stderr).toContain('try: stops because of a bug: SyntaxError')
    expect(text.stdout).toContain('first stopped')
  })
})

describe('a service that cannot start says what, where and what to do in one line', () => {
  const fails = async (environment: Record<string, string>) => {
    const { text, ended } = run(environment)
    const code = await ended
    return { code, stderr: text.stderr, lines: text.stderr.trim().split('\n').length, stdout: text.stdout }
  }
  const url = (change: (url: URL) => void): string => {
    const changed = new URL(postgres.url)
    change(changed)
    return changed.href
  }

  test('bad configuration: exit code 2', async () => {
    const one = await fails({ TRY_PORT: 'seven' })
    expect(one).toMatchObject({ code: 2, stderr: 'try: TRY_PORT="seven": must be an integer 0 to 65535\n', stdout: '' })
    const two = await fails({ TRY_PORT: '70000', TRY_BUG: 'maybe' })
    expect([two.code, two.lines]).toEqual([2, 2])
  })
  test('port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await until(() => taken.listening)
    const { port } = taken.address() as { port: number }
    const failed = await fails({ TRY_PORT: String(port) })
    await new Promise(resolve => taken.close(resolve))
    expect(failed).toMatchObject({ code: 1, lines: 1, stdout: 'server stopped\nfirst stopped\n' })
    expect(failed.stderr).toContain(`port ${port} on 127.0.0.1 is in use`)
  })
  test('a state folder that cannot be written', async () => {
    await writeFile(join(folder, 'file'), '')
    const failed = await fails({ REOPS_STATE: join(folder, 'file') })
    expect(failed).toMatchObject({ code: 1, lines: 1 })
    expect(failed.stderr).toMatch(/state folder .*file cannot be written \(E[A-Z]+\); set REOPS_STATE/)
    expect((await fails({ REOPS_STATE: '/proc/none' })).stderr).toContain('state folder /proc/none cannot be written')
  })
  test.each([
    ['not a URL', () => 'canary', 2, 'DATABASE_URL: must be a postgres:// URL'],
    ['wrong password', () => url(u => (u.password = 'canary')), 1, 'correct DATABASE_URL'],
    ['wrong database', () => url(u => (u.pathname = '/nowhere')), 1, 'does not exist'],
    ['nothing there', () => url(u => (u.port = '1')), 1, 'nothing answers at 127.0.0.1:1'],
    ['no such host', () => url(u => (u.hostname = 'nowhere.invalid')), 1, 'nowhere.invalid cannot be resolved'],
  ])('DATABASE_URL: %s', async (_what, make, code, words) => {
    const failed = await fails({ DATABASE_URL: make() })
    expect(failed).toMatchObject({ code, lines: 1 })
    expect(failed.stderr).toContain(words)
    expect(failed.stderr).not.toContain('canary')
  })
})
