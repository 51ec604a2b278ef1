import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { endsWithUs } from './ends-with-us.ts'

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

/** It is tied before it becomes the program: from then on it dies with its starter. */
const isTied = (pid: number): boolean => readlinkSync(`/proc/${pid}/exe`) === readlinkSync('/proc/self/exe')

const within = async (what: () => boolean): Promise<boolean> => {
  const until = performance.now() + 40_000
  while (!what() && performance.now() < until) await new Promise(resolve => setTimeout(resolve, 10))
  return what()
}

/** Starts a process that never looks at anything, says its pid, and waits to be killed. */
const starter = (file: string) => `import { spawn } from 'node:child_process'
import { endsWithUs } from ${JSON.stringify(file)}
const [command, ...args] = endsWithUs([process.execPath, '-e', 'for (;;);'])
console.log(spawn(command, args, { detached: true, stdio: 'ignore' }).pid)
setInterval(() => undefined, 1000)`

const canTie = endsWithUs([]).length > 0

;(canTie ? test : test.skip)('code that loops for ever dies with its starter, also by kill -9', async () => {
  const script = starter(new URL('./ends-with-us.ts', import.meta.url).href)
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>(resolve => parent.stdout.once('data', text => resolve(Number(String(text)))))
  try {
    expect(await within(() => isTied(pid))).toBe(true)
    const ended = new Promise(resolve => parent.once('exit', resolve))
    parent.kill('SIGKILL')
    await ended
    expect(await within(() => !isAlive(pid))).toBe(true)
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL') // what it must not be is left running by a test
  }
})
