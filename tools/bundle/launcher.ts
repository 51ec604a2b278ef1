import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The bundle that a launcher starts, and what V8 made of it when it was bundled. */
export const programName = 'program.cjs'
const cacheName = 'program.cache'

/**
 * How the program of a host is started; this text is its `main.cjs`.
 *
 * - No optimising compilers. Any start wakes them, Node's own path functions are enough, and then they keep 3 MB of their
 *   code resident for a program that mostly waits. Interpreter, baseline code and compiled regular expressions stay; an
 *   agent that is sent work gets them back (apps/re-gent/src/compiler.ts).
 * - What is built into Node is loaded before that, because Node's own code cache holds only for the flags it was made with.
 * - The code cache spares each start the parsing, of which 2 MB would stay with the process. It holds for one version of
 *   Node: V8 refuses it in another and parses, which is all that happens then.
 */
const start = (builtins: readonly string[]): string => `'use strict'
const { readFileSync } = require('node:fs')
const { Script, constants } = require('node:vm')
const { setFlagsFromString } = require('node:v8')
for (const name of ${JSON.stringify(builtins)}) require(name)
for (const flag of ['--no-opt', '--no-maglev']) setFlagsFromString(flag)
const filename = __dirname + '/${programName}'
const text = '(function (exports, require, module, __filename, __dirname) { ' + readFileSync(filename, 'utf8') + '\\n})'
const compile = cachedData =>
  new Script(text, { filename, cachedData, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER })
const run = script => script.runInThisContext()(exports, require, module, filename, __dirname)
`
const launcher = (builtins: readonly string[]): string => `${start(builtins)}let cache
try {
  cache = readFileSync(__dirname + '/${cacheName}')
} catch {
  cache = undefined // not copied along: it starts all the same
}
run(compile(cache))
`
/** Runs the program until it says that it is not configured, and keeps what V8 compiled for that. */
const maker = (builtins: readonly string[]): string => `${start(builtins)}const { writeFileSync } = require('node:fs')
const script = compile()
process.on('exit', () => writeFileSync(__dirname + '/${cacheName}', script.createCachedData()))
run(script)
`

const makeWithinMs = 20_000
/** What the program of a host exits with when it is not configured. */
const notConfigured = 2

/** Puts the launcher and the code cache beside the program, which loads these modules of Node at its start. */
export const writeLauncher = (folder: string, builtins: readonly string[]): void => {
  const state = mkdtempSync(join(tmpdir(), 'code-cache-'))
  const making = join(folder, 'make-cache.cjs')
  try {
    writeFileSync(join(folder, 'main.cjs'), launcher(builtins))
    writeFileSync(making, maker(builtins))
    const { status, stderr } = spawnSync(process.execPath, [making, '--state', state], {
      env: { PATH: process.env['PATH'] ?? '' },
      encoding: 'utf8',
      timeout: makeWithinMs,
    })
    if (status !== notConfigured) throw new Error(`the program in ${folder} does not start (${status}): ${stderr}`)
  } finally {
    rmSync(making, { force: true })
    rmSync(state, { recursive: true, force: true })
  }
}
