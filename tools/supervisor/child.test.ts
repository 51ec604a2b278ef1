import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startChild, type Child, type ChildSpec } from './child.ts'
import { SupervisorError } from './fault.ts'

let folder: string
let children: Child[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reops-child-'))
  children = []
})
afterEach(async () => {
  await Promise.all(children.map(child => child.stop()))
  rmSync(folder, { recursive: true, force: true })
})

const start = (program: string, more: Partial<ChildSpec> = {}): Child => {
  const child = startChild({
    name: 'part',
    argv: [process.execPath, '-e', program],
    environment: { PATH: process.env['PATH'] ?? '' },
    log: join(folder, 'part.log'),
    restartMs: [20, 40],
    stopGraceMs: 300,
    ...more,
  })
  children.push(child)
  return child
}
const stays =
  "process.on('disconnect', () => process.exit(0)); setInterval(() => 0, 1000); console.log('up ' + process.pid)"
const sees = async <A>(look: () => A | null | undefined | false, limitMs = 40_000): Promise<A> => {
  for (const end = performance.now() + limitMs; performance.now() < end; await wait(10)) {
    const seen = look()
    if (seen) return seen
  }
  throw new Error('not seen in time')
}
const log = () => readFileSync(join(folder, 'part.log'), 'utf8')
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('one that is killed is started again, and stop ends it for good', async () => {
  const restarts: string[] = []
  const child = start(stays, { onRestart: why => restarts.push(why) })
  const first = await sees(() => log().includes('up') && child.pid())
  child.kill('SIGKILL')
  const second = await sees(() => child.pid() !== first && child.pid())
  await sees(() => log().includes(`up ${second}`))
  expect(restarts).toEqual(['part was ended by SIGKILL'])
  await child.stop()
  expect(child.pid()).toBeNull()
  expect([first, second].filter(lives)).toEqual([])
})

test('one that does not listen to SIGTERM is killed after its grace', async () => {
  const child = start(`process.on('SIGTERM', () => 0); ${stays}`)
  const pid = await sees(() => log().includes('up') && child.pid())
  const started = performance.now()
  await child.stop()
  expect(performance.now() - started).toBeLessThan(20_000)
  expect(lives(pid)).toBe(false)
})

test('a start that fails says what the process said last, once, without what an earlier one said', async () => {
  const child = start("console.error('port 1 is not ours'); process.exit(3)", { restartMs: [5_000, 5_000] })
  const error = await child.during(new Promise<never>(() => undefined)).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(SupervisorError)
  expect((error as SupervisorError).message).toMatch(/^part ended with exit code 3; its log: .*part\.log$/)
  expect((error as SupervisorError).tail).toEqual(['port 1 is not ours'])
})

test('a program that is not there is a failed start too', async () => {
  const child = start('', { argv: [join(folder, 'nothing')], restartMs: [5_000, 5_000] })
  await expect(child.during(new Promise<never>(() => undefined))).rejects.toThrow('part cannot be started')
})
