import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { leftOf } from '../supervisor/testing.ts'

const root = dirname(dirname(import.meta.dirname))
let copy: string

/** The files of the repository, as a clone would have them: nothing installed, no state. */
beforeAll(() => {
  copy = join(realpathSync(mkdtempSync(join(tmpdir(), 'reops-copy-'))), 're-ops')
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const path of files.toString('utf8').split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    cpSync(join(root, path), join(copy, path))
  }
})
afterAll(() => rmSync(dirname(copy), { recursive: true, force: true }))

const anyPorts = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0' }
/** Without our own node: the node and npm that the machine has. */
const path = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .join(delimiter)

const npmStart = (...args: readonly string[]) =>
  new Promise<{ code: number | null; said: string; ms: number }>((resolve, reject) => {
    const from = performance.now()
    const child = spawn('npm', ['start', ...(args.length > 0 ? ['--', ...args] : [])], {
      cwd: copy,
      env: { PATH: path, HOME: process.env['HOME'], ...anyPorts },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 300_000,
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.once('error', reject)
    child.once('close', code => resolve({ code, said, ms: performance.now() - from }))
  })

test('from nothing installed to first results with one command; warm without set-up; nothing is left running', async () => {
  const cold = await npmStart('--once')
  expect(`${cold.code} ${cold.said}`).toMatch(/^0 /)
  expect(cold.said).toMatch(/setting up +node 24\.\d+ · \d+ packages · \d+ s/)
  expect(cold.said.match(/^ {2}\S+ +debian|^ {2}\S+ .*GiB/gm)?.length).toBeGreaterThanOrEqual(4)
  expect(await leftOf(copy)).toEqual([])

  const warm = await npmStart('--once')
  expect(`${warm.code} ${warm.said}`).toMatch(/^0 /)
  expect(warm.said).not.toContain('setting up')
  expect(await leftOf(copy)).toEqual([])
  process.stderr.write(`cold ${Math.round(cold.ms)} ms, warm ${Math.round(warm.ms)} ms\n`)
}, 400_000)

test('what npm says is shown only when it fails, with what to do', async () => {
  const lock = join(copy, 'package-lock.json')
  const text = readFileSync(lock, 'utf8')
  const broken = JSON.parse(text) as { packages: Record<string, { version?: string }> }
  broken.packages['node_modules/node'] = { version: '0.0.0-nothing' }
  writeFileSync(lock, JSON.stringify(broken))
  try {
    const { code, said } = await npmStart('--once')
    expect(code).toBe(1)
    expect(said).toMatch(/npm ci ended with \d+; .*try again/)
  } finally {
    writeFileSync(lock, text)
  }
}, 200_000)
