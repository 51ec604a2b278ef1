import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Verdict } from './finding.ts'

const limitMs = 300_000
const outputMax = 1024 * 1024

export type Ended = { readonly code: number; readonly output: string }

/** Runs a program in `root` without a shell; both streams together, their end kept. */
export const runIn = (root: string, argv: readonly string[]): Promise<Ended> =>
  new Promise(resolve => {
    const [program = '', ...args] = argv
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-outputMax)
      })
    child.once('error', error => resolve({ code: 127, output: error.message }))
    child.once('close', (code, signal) =>
      resolve({ code: code ?? 128, output: signal === null ? output : `${output}\nended by ${signal}` }),
    )
  })

/** A tool whose exit code 0 means that all is well, and whose lines are the findings otherwise. */
export const tool = async (root: string, argv: readonly string[]): Promise<Verdict> => {
  const { code, output } = await runIn(root, argv)
  if (code === 0) return { findings: [] }
  const lines = output.split('\n').filter(line => line.trim() !== '')
  return { findings: lines.length > 0 ? lines : [`${argv[0]} ended with ${code} and said nothing`] }
}

/** A program of node_modules/.bin. */
export const binary = (root: string, name: string): string => join(root, 'node_modules', '.bin', name)
