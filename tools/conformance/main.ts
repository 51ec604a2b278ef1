import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { catalogue } from '@re-ops/operations'
import { keep } from '../proof/command.ts'
import { holds, reportLine, reportTable } from '../proof/report.ts'
import { families } from './examples/index.ts'
import type { Family } from './example.ts'
import { fetchPackages, here, missingOf, packagesOf, versionsOf } from './programs.ts'
import { recordedCases } from './recorded.ts'
import { runExamples } from './run-examples.ts'
import { reportOf, standingsOf, standingTable } from './standing.ts'
import { missingParts, whyNever, whyNotHere } from './why-not.ts'
import { openWorld, type Fetched } from './world.ts'

const usage = `npm run -s conformance -- [OPTIONS]

Runs every operation of the catalogue over ZeroMQ (a real agent) and over SSH (a real sshd) on one machine and compares what
they answer. The machine is made of this one and thrown away afterwards (namespaces, an overlay, a systemd of its own); it takes root.

  --json           one line of JSON on standard output, instead of tables
  --only TEXT      operations with this in their name; the result is not kept
  --install no     does without the Debian packages that are missing; else they are fetched (apt-get) and installed on the machine,
                   never on this computer
  --keep no        does not keep the result in tools/conformance/results
  --help
`

const say = (line: string) => process.stderr.write(`  ${line}\n`)

const options = () =>
  parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string' },
      install: { type: 'string', default: 'yes' },
      packages: { type: 'string' },
      keep: { type: 'string', default: 'yes' },
      inside: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values

const needsOf = (some: readonly Family[]) =>
  [
    ...new Set(some.flatMap(family => [...(family.needs ?? []), ...family.examples.flatMap(one => one.needs ?? [])])),
  ].toSorted()

/** Fetches what is missing while there is a network; null: nothing is, or it cannot be had. */
const provide = async (some: readonly Family[], folder: string, isWanted: boolean): Promise<Fetched | null> => {
  const names = [...new Set([...missingParts(), ...packagesOf(await missingOf(here, needsOf(some)))])]
  if (names.length === 0) return null
  if (!isWanted) {
    say(`missing: ${names.join(' ')}; what needs them is skipped`)
    return null
  }
  say(`fetching what is missing, for the machine alone: ${names.join(' ')}`)
  try {
    fetchPackages(names, folder)
    return { folder, names }
  } catch (error) {
    say(`it cannot be fetched, and what needs it is skipped: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}

/** Again, in a network of its own: whatever an example does to a network or a firewall is done there, re-mote and Postgres included. */
const inOwnNetwork = (args: readonly string[]): Promise<number> => {
  const own = ['--net', '--mount', '--propagation', 'private', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
  const child = spawn('unshare', [...own, process.execPath, import.meta.filename, '--inside', ...args], {
    stdio: 'inherit',
  })
  // A signal goes to the one inside, which cleans up.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}

const chosen = (only: string | undefined) => {
  const isChosen = (name: string) => only === undefined || name.includes(only)
  const some = families.map(family => ({ ...family, examples: family.examples.filter(one => isChosen(one.operation)) }))
  return {
    operations: catalogue.map(one => one.name).filter(isChosen),
    families: some.filter(family => family.examples.length > 0),
  }
}

const conformance = async ({
  only,
  json,
  keep: isKept,
  packages: given,
}: ReturnType<typeof options>): Promise<number> => {
  const { operations, families: some } = chosen(only)
  const world = await openWorld(given === undefined ? null : (JSON.parse(given) as Fetched))
  const stop = () => void world.close().finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const verdicts = await runExamples({ world, say }, some)
    const standings = standingsOf(operations, verdicts, recordedCases())
    const report = reportOf(standings)
    if (only === undefined && isKept !== 'no') {
      keep(new URL('./results/', import.meta.url), report, {
        programs: await versionsOf(world.machine.sh, needsOf(families)),
        standings,
      })
      say('kept; npm run docs writes docs/conformance.md from it')
    }
    process.stdout.write(json ? `${reportLine(report)}\n` : `${standingTable(standings)}\n\n${reportTable(report)}\n`)
    if (json)
      for (const one of standings.filter(({ end }) => end !== 'pass' && end !== 'recorded'))
        say(`${one.operation} ${one.end}: ${one.why.join('; ')}`)
    return holds(report) ? 0 : 1
  } finally {
    await world.close()
  }
}

const main = async (): Promise<number> => {
  const given = options()
  if (given.help) {
    process.stdout.write(usage)
    return 0
  }
  if (given.inside) return conformance(given)
  const { operations, families: some } = chosen(given.only)
  if (operations.length === 0) throw new Error(`--only ${given.only}: no operation has that in its name`)
  if (given.install !== 'yes' && given.install !== 'no') throw new Error(`--install ${given.install}: allowed: yes, no`)
  const never = whyNever()
  if (never !== null) throw new Error(`cannot run here: ${never}`)
  const folder = mkdtempSync(join(tmpdir(), 'reops-packages-'))
  try {
    const fetched = await provide(some, folder, given.install === 'yes')
    const whyNot = fetched === null ? whyNotHere() : null
    if (whyNot !== null) throw new Error(`cannot run here: ${whyNot}`)
    const packages = fetched === null ? [] : ['--packages', JSON.stringify(fetched)]
    return await inOwnNetwork([...packages, ...process.argv.slice(2)])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`conformance: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
