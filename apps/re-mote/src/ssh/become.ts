import { randomBytes } from 'node:crypto'
import type { Become } from '@re-ops/protocols'
import { quoted } from './quote.ts'
import type { Victim } from './kill.ts'

type Plan = {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string | undefined
  readonly become: Become | undefined
}
export type Became = {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string | undefined
  readonly as?: Victim['as']
}

/**
 * sudo reads the password from standard input, but only when it wants one; what it leaves must not reach the command. So a mark follows the
 * password, and what sudo starts is a `sh` that reads up to the mark, byte by byte, and then becomes the command.
 */
const upToMark = 'while IFS= read -r l; do [ "$l" = "$0" ] && break; done; exec "$@"'

const withPassword = (user: string, password: string, argv: readonly string[]) => {
  const mark = randomBytes(12).toString('hex')
  return {
    argv: ['sudo', '-S', '-p', '', '-u', user, '--', 'sh', '-c', upToMark, mark, ...argv],
    input: `${password}\n${mark}\n`,
  }
}

/** The plan as its `become` user: itself when we are that user, else by sudo. sudo drops the environment, so ours goes through `env`. */
export const become = (plan: Plan, id: string, login: string, password: string | undefined): Became => {
  const { argv, env, stdin } = plan
  const user = plan.become?.user
  if (user === undefined || user === login) return { argv, env, stdin }
  const pairs = Object.entries({ ...env, REOPS_CALL_ID: id }).map(([name, value]) => `${name}=${value}`)
  const whole = ['env', ...pairs, ...argv]
  if (password === undefined) {
    const sudo = ['sudo', '-n', '-u', user, '--']
    return { argv: [...sudo, ...whole], env: {}, stdin, as: { argv: ['exec', ...sudo, 'sh'], input: '' } }
  }
  const run = withPassword(user, password, whole)
  const killer = withPassword(user, password, ['sh'])
  return {
    argv: run.argv,
    env: {},
    stdin: `${run.input}${stdin ?? ''}`,
    as: { argv: ['exec', ...killer.argv.map(quoted)], input: killer.input },
  }
}
