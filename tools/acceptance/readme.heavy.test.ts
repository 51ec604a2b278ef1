import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { whyNoSshd } from '@re-ops/re-mote/testing'
import { eventually, leftOf, processesOf } from '../supervisor/testing.ts'
import { commandsIn, type Typed } from './readme/commands.ts'
import { openTerminal, type Terminal } from './readme/terminal.ts'

/**
 * A new user's first hour: an empty folder, the README's commands in its order, in as many terminals as it says. Only
 * the addresses differ: the ports of this run are free ones.
 */
const root = dirname(dirname(import.meta.dirname))
const commands = commandsIn(readFileSync(join(root, 'README.md'), 'utf8'))
const commandLimitMs = 180_000
const startLimitMs = 600_000

const lacks = (program: string): string | null =>
  program === 'sshd'
    ? whyNoSshd()
    : spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0
      ? null
      : `there is no ${program}`
const whyNot = ({ text, takesMinutes, needs }: Typed): string | null => {
  if (takesMinutes) return 'takes minutes'
  if (text.includes('docker') || text.includes('npm run bundle')) return 'containers have a suite of their own: compose'
  if (/REOPS_(CORE|MOTE)_URL=/.test(text)) return 'of the containers'
  return needs.map(lacks).find(why => why !== null) ?? null
}
const afterContainers = commands.findIndex(({ text }) => text.startsWith('docker compose down'))
const betweenContainers = commands.findIndex(({ text }) => text.includes('npm run bundle'))
const ofContainers = (at: number) => at >= betweenContainers && at <= afterContainers

let folder: string
let environment: Record<string, string>
let first: Terminal
const staying: { readonly name: string; readonly terminal: Terminal }[] = []

/** A repository to clone: the files as they are here, in one commit. */
const repository = (): string => {
  const origin = join(folder, 'origin')
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  for (const path of files.toString('utf8').split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue
    mkdirSync(dirname(join(origin, path)), { recursive: true })
    cpSync(join(root, path), join(origin, path))
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@a', ...args], { cwd: origin })
  git('init', '-q')
  git('add', '-A')
  git('commit', '-q', '-m', 'all')
  return origin
}

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'reops-readme-')))
  const own = (process.env['PATH'] ?? '').split(delimiter).filter(one => !one.includes('node_modules'))
  const anyPorts = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0' }
  const home = join(folder, 'home')
  mkdirSync(home)
  environment = { PATH: own.join(delimiter), HOME: home, REPOSITORY: repository(), ...anyPorts }
  first = openTerminal(folder, environment)
})
afterAll(async () => {
  for (const { terminal } of staying) await terminal.close()
  await first?.close()
  for (const { pid } of processesOf(folder)) process.kill(pid, 'SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const clone = () => join(folder, 're-ops')
/** What each that stays says when it is up. */
const isUp: readonly { readonly of: RegExp; readonly says: RegExp }[] = [
  { of: /npm start/, says: /Ctrl-C stops everything/ },
  { of: /ssh-host/, says: /try: {3}npx reops hosts add/ },
  { of: /simulator/, says: /agents have a session after/ },
]
/** Where this run's services are, in place of the ports that the README names. */
const addressed = (text: string): string => {
  const path = join(clone(), '.reops/cluster.json')
  if (!existsSync(path)) return text
  const { coreUrl, moteUrl } = JSON.parse(readFileSync(path, 'utf8')) as { coreUrl: string; moteUrl: string }
  const program = text.startsWith('npx node') ? `REOPS_MOTE_URL=${moteUrl} ` : ''
  return program + text.replaceAll('http://127.0.0.1:7020', moteUrl).replaceAll('http://127.0.0.1:7010', coreUrl)
}

const stay = async ({ text }: Typed): Promise<void> => {
  const terminal = openTerminal(clone(), environment)
  staying.push({ name: text, terminal })
  const run = terminal.type(addressed(text), 3_600_000)
  run.catch(() => undefined)
  const { says } = isUp.find(({ of }) => of.test(text)) ?? {}
  if (!says) throw new Error(`what does it say when it is up? ${text}`)
  const look = () => {
    if (/^reops|ended with/m.test(terminal.shown())) throw new Error(terminal.shown())
    return says.test(terminal.shown())
  }
  await eventually(`${text} is up`, startLimitMs, look).catch((error: Error) => {
    throw new Error(`${error.message}\n${terminal.shown()}`)
  })
}

describe('the README, typed', () => {
  for (const [at, command] of commands.entries()) {
    const why = ofContainers(at) ? 'containers have a suite of their own: compose' : whyNot(command)
    const name = `line ${command.line}: ${command.text.split('\n')[0]}`
    if (why !== null) {
      test.skip(`${name} (${why})`, () => undefined)
      continue
    }
    test(
      name,
      async () => {
        if (command.stays) return stay(command)
        const { code, output } = await first.type(addressed(command.text), commandLimitMs)
        expect({ code, output }).toEqual({ code: command.exits, output })
        // curl says 0 to any answer: what a service refuses has a status in its body.
        if (command.text.startsWith('curl')) expect(output).not.toMatch(/"status":[45]\d\d/)
        return undefined
      },
      command.stays ? startLimitMs + 10_000 : commandLimitMs + 10_000,
    )
  }

  test('Ctrl-C ends what stays, and nothing is left', async () => {
    // All at once, the cluster last of all asked: who needs it must not wait for it.
    const codes = await Promise.all(staying.toReversed().map(({ terminal }) => terminal.interrupt()))
    expect(codes).toHaveLength(staying.length)
    await first.interrupt()
    expect(await leftOf(folder, 20_000)).toEqual([])
  }, 90_000)
})
