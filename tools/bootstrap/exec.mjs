// Runs under plain Node 20 with nothing installed: built-in modules only.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setUp, SetupError } from './setup.mjs'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const parentPollMs = 500

/**
 * Sets up, then becomes (as far as Node 20 can) `node script ...args` under our own Node: same streams, signals passed
 * on, same exit code. The child holds an IPC channel to us: whoever kills us with -9, it learns of it.
 */
export const runOwnNode = async (script, args, { needsParent = false, level = 'all' } = {}) => {
  try {
    const node = await setUp(root, line => process.stderr.write(`${line}\n`), level)
    process.exitCode = await become(node, [join(root, script), ...args], needsParent)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    if (typeof error.cause === 'string') process.stderr.write(`${error.cause}\n`)
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}

const become = (node, args, needsParent) =>
  new Promise((resolve, reject) => {
    const child = spawn(node, args, {
      stdio: needsParent ? ['inherit', 'inherit', 'inherit', 'ipc'] : 'inherit',
      env: {
        // Compiled code is kept between starts, of all processes that come from here: halves what a start costs.
        NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 're-ops-compiled'),
        ...process.env,
        PATH: `${join(root, 'node_modules', '.bin')}:${process.env['PATH'] ?? ''}`,
      },
    })
    // A terminal sends Ctrl-C to the whole group, so the child has it already; kill(1) sends to us alone. Passing it on
    // twice does no harm: the child takes the first.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    const watch =
      needsParent && process.env['npm_lifecycle_event'] ? watchParent(() => child.kill('SIGTERM')) : undefined
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })

/** npm that was killed cannot tell us; started by npm, a new parent means that it has gone. */
const watchParent = gone => {
  const parent = process.ppid
  return setInterval(() => {
    if (process.ppid !== parent) gone()
  }, parentPollMs)
}
