import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { CallResult, ShellResult } from '@re-ops/protocols'
import { converse, operationNamed, parseShell, planShell, type Contents, type ShellPlan } from './index.ts'

export type RunHere = { readonly plan: ShellPlan; readonly left: ShellResult; readonly result: CallResult }

/**
 * Runs an operation on this machine: the least a transport does, spawn the plan and parse what it left. Throws when there is
 * no such operation or the input does not fit. `env` replaces the environment; as another user it goes by sudo.
 */
export const runHere = async (
  name: string,
  input: unknown,
  env: NodeJS.ProcessEnv = process.env,
  contents?: Contents,
): Promise<RunHere> => {
  const operation = operationNamed(name)
  if (!operation) throw new Error(`no operation ${name}`)
  const [wrong] = operation.checkInput(input)
  if (wrong) throw new Error(`input${wrong.path} ${wrong.message}`)
  const plan = planShell(operation, input)
  const left = await leftOf(plan, env, contents)
  return { plan, left, result: parseShell(operation, input, left) }
}

/** The value, or an error with the failure's message. */
export const valueHere = async <T>(name: string, input: unknown = {}, env?: NodeJS.ProcessEnv): Promise<T> => {
  const { result } = await runHere(name, input, env)
  if (!result.ok) throw new Error(`${name}: ${result.failure.message}\n${result.failure.stderrTail ?? ''}`)
  return result.value as T
}

const leftOf = async (plan: ShellPlan, env: NodeJS.ProcessEnv, contents?: Contents): Promise<ShellResult> => {
  const [program = '', ...rest] = plan.argv
  const child = spawn(program, rest, { env: { ...env, ...plan.env }, ...(plan.cwd ? { cwd: plan.cwd } : {}) })
  const text = { stdout: '', stderr: '' }
  const talked =
    plan.contents && contents
      ? converse(child, contents, output => (text.stdout += Buffer.from(output).toString('utf8')))
      : null
  if (!talked) child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk))
  child.stdin.on('error', () => undefined) // a program that does not read its input closes it
  if (plan.stdin !== undefined) child.stdin.write(plan.stdin)
  if (!talked) child.stdin.end()
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status => resolve(status ?? -1))
  })
  const fault = (await talked) ?? null
  if (fault !== null) text.stderr += `${fault}\n`
  return { ...text, code, truncated: false }
}

export const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
/** The pieces of a content from a byte on, of sizes that no two streams have alike. */
const pieces = function* (bytes: Buffer, from: number) {
  for (let at = from, size = 1; at < bytes.length; at += size, size = 1 + Math.floor(Math.random() * 200_000))
    yield bytes.subarray(at, at + size)
}
type Told = { asked: { from: number; prefix: string | undefined }[]; given: Buffer[] }
/** A service in memory; `breakAt` cuts the content off at that byte, once. */
export const memory = (stored: readonly Buffer[], { breakAt = Number.POSITIVE_INFINITY, damage = false } = {}) => {
  const told: Told = { asked: [], given: [] }
  let limit = breakAt
  const contents: Contents = {
    open: async (hash, asked, prefix) => {
      told.asked.push({ from: asked, prefix })
      const found = stored.find(one => hashOf(one) === hash)
      if (!found) throw new Error('there is no such content')
      const from = prefix !== undefined && hashOf(found.subarray(0, asked)) === prefix ? asked : 0
      const sent = damage ? Buffer.concat([found.subarray(0, -1), Buffer.from([(found.at(-1) ?? 0) ^ 1])]) : found
      const bytes = async function* () {
        let at = from
        for (const piece of pieces(sent, from)) {
          if (at + piece.length > limit) {
            yield piece.subarray(0, Math.max(0, limit - at))
            limit = Number.POSITIVE_INFINITY
            throw new Error('the chunk is damaged')
          }
          at += piece.length
          yield piece
        }
      }
      return { from, size: found.length, bytes: bytes() }
    },
    offer: async (hash, size) => {
      if (stored.some(one => hashOf(one) === hash)) return null
      const parts: Uint8Array[] = []
      return {
        from: 0,
        write: async bytes => void parts.push(Uint8Array.from(bytes)),
        end: async () => {
          const whole = Buffer.concat(parts)
          if (whole.length !== size || hashOf(whole) !== hash) throw new Error('it is another')
          told.given.push(whole)
        },
      }
    },
  }
  return { contents, told }
}
