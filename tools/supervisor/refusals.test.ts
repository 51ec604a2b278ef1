import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { lockFolder } from './folder-lock.ts'

const program = join(import.meta.dirname, 'main.ts')
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reops-refused-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const anyPorts = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0' }

/** `npm start` as a process: exit code and what it said on standard error. */
const start = (args: readonly string[], environment: Record<string, string> = {}) =>
  new Promise<{ code: number | null; said: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        HOME: folder,
        ...anyPorts,
        ...environment,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: 60_000,
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.once('error', reject)
    child.once('close', code => resolve({ code, said }))
  })

test('an unknown option, or one without its value, is wrong usage: exit code 2 and one line', async () => {
  for (const args of [['--twice'], ['--state']]) {
    const { code, said } = await start(args)
    expect(code).toBe(2)
    expect(said).toMatch(/^[^\n]+\n$/)
  }
})

test('a state folder that cannot be made or written: exit code 1 and one line that says what to do', async () => {
  writeFileSync(join(folder, 'file'), '')
  const { code, said } = await start(['--once', '--state', join(folder, 'file', 'state')])
  expect(code).toBe(1)
  expect(said).toMatch(/^state folder \S+ cannot be written \(ENOTDIR\); set --state or REOPS_STATE [^\n]+\n$/)
})

test('a folder that another supervisor has: exit code 1 and one line that names it', async () => {
  const lock = await lockFolder(folder)
  try {
    const { code, said } = await start(['--once', '--state', folder])
    expect(code).toBe(1)
    expect(said).toMatch(new RegExp(`^\\S+ is in use by another supervisor \\(pid ${process.pid}\\); [^\\n]+\\n$`))
  } finally {
    lock.release()
  }
})

test('a port in use, or one that is no port: exit code 1 and one line with the variable', async () => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const inUse = await start(['--once', '--state', folder], { RECORE_PORT: String(port) })
    expect(inUse).toEqual({ code: 1, said: expect.stringMatching(/^port \d+ of re-core .*set RECORE_PORT [^\n]+\n$/) })
    const none = await start(['--once', '--state', folder], { REMOTE_PORT: 'http' })
    expect(none).toEqual({ code: 1, said: expect.stringMatching(/^REMOTE_PORT is "http"; allowed: [^\n]+\n$/) })
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
})
