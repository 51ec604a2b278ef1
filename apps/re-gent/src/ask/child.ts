import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Ask, Attempt } from './ask.ts'
import type { Order } from './main.ts'

const answerCharsMax = 1_048_576

/** Gives the order to a process of its own and takes its answer; the process is killed when the signal aborts. */
const order = (given: Order, signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const program = fileURLToPath(new URL('./main.ts', import.meta.url))
    const child = spawn(process.execPath, [...process.execArgv, program], { stdio: ['pipe', 'pipe', 'pipe'] })
    const kill = (): void => void child.kill('SIGKILL')
    let [answer, complaint] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      answer += text
      if (answer.length > answerCharsMax) kill()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = `${complaint}${text}`.slice(-500)))
    child.stdin.on('error', () => child.stdin.destroy()) // it ended before it read: its end says why
    child.on('error', reject)
    child.on('close', (code, killed) => {
      signal.removeEventListener('abort', kill)
      if (code === 0) resolve(JSON.parse(answer))
      else
        reject(new Error(complaint.trim().split('\n').at(-1) || `the process that asks ended with ${killed ?? code}`))
    })
    if (signal.aborted) kill()
    signal.addEventListener('abort', kill)
    child.stdin.end(JSON.stringify(given))
  })

/**
 * Asks in a short-lived process, so that what it takes to ask (HTTP, TLS, sealing) does not stay resident in an agent that
 * lives for months after it. The token goes by standard input, where no process list shows it.
 */
export const askInChild: Ask = {
  enrol: async (enrol, signal) => (await order({ enrol }, signal)) as Attempt,
  keyset: async (url, signal) => (await order({ keyset: url }, signal)) as Awaited<ReturnType<Ask['keyset']>>,
}
