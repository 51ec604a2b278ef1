import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { terminalStates, type Run, type System, type Target } from '@re-ops/protocols'
import { makeFindings } from './findings.ts'
import { journalFacts, readJournal } from './journals.ts'
import { agentFolders, isAlive } from './parts.ts'
import { processesNaming } from './processes.ts'

export type Verdict = {
  targets: number
  notTerminal: number
  ok: number
  doubleStarts: number
  finishedMissing: number
  /** Of the targets that are not ok. */
  unreachable: number
  otherFailures: number
  lost: number
  lostUnexplained: number
  systemsAstray: number
  orphans: number
  findings: string[]
}

const terminal: ReadonlySet<string> = new Set(terminalStates)
/** The id that the command itself printed: which call made this result. */
const printedCallId = (target: Target): string | undefined => {
  const stdout = (target.value as { stdout?: unknown } | undefined)?.stdout
  return typeof stdout === 'string' ? stdout.trim() : undefined
}

/**
 * Holds three independent witnesses against each other: what the services say (runs and systems), what the agents wrote
 * (journals), and what the world shows (effects of the commands, the process table).
 */
export const check = (seen: {
  state: string
  runs: readonly Run[]
  systems: readonly System[]
  kept: ReadonlySet<string>
  effects: string
  /** Calls whose result is stored, beside another end. */
  lates: ReadonlySet<string>
}): Verdict => {
  const { state, runs, systems, kept, effects, lates } = seen
  const { find, findings } = makeFindings()
  const targets = runs.flatMap(run => run.targets ?? [])
  const notTerminal = targets.filter(target => !terminal.has(target.state))
  for (const target of notTerminal) find('not terminal', `${target.host.name} is ${target.state}`)

  const started = existsSync(effects) ? readFileSync(effects, 'utf8').split('\n').filter(Boolean) : []
  const counts = new Map<string, number>()
  for (const id of started) counts.set(id, (counts.get(id) ?? 0) + 1)
  const journals = agentFolders(state).map(folder => journalFacts(readJournal(folder)))
  for (const { starts } of journals)
    for (const [id, times] of starts) counts.set(id, Math.max(counts.get(id) ?? 0, times))
  const doubles = [...counts].filter(([, times]) => times > 1)
  for (const [id, times] of doubles) find('started more than once', `${id}, ${times} times`)

  const arrived = new Set(targets.flatMap(target => (target.state === 'ok' ? [printedCallId(target) ?? ''] : [])))
  const left = new Set(started)
  const finished = journals.flatMap(({ ends }) => [...ends].filter(([id, end]) => end === 'ok' && left.has(id)))
  const missing = finished.filter(([id]) => !arrived.has(id) && !lates.has(id))
  for (const [id] of missing) find('finished on the host, never arrived', id)

  const ended = (state: string) => targets.filter(target => target.state === state).length
  const dead = new Set(journals.flatMap(({ diedWith }) => [...diedWith]))
  const lost = targets.filter(target => target.state === 'lost')
  const unexplained = lost.filter(target => !dead.has(target.failure?.callId ?? ''))
  for (const target of unexplained)
    find('lost without a death', `${target.host.name} ${JSON.stringify(target.failure)}`)

  return {
    targets: targets.length,
    notTerminal: notTerminal.length,
    ok: ended('ok'),
    doubleStarts: doubles.length,
    finishedMissing: missing.length,
    unreachable: ended('unreachable'),
    otherFailures: targets.length - ended('ok') - ended('unreachable') - lost.length - notTerminal.length,
    lost: lost.length,
    lostUnexplained: unexplained.length,
    ...strays({ state, systems, kept, find }),
    findings,
  }
}

/** Desired against observed, and against the processes that really run. */
const strays = (seen: {
  state: string
  systems: readonly System[]
  kept: ReadonlySet<string>
  find(sort: string, text: string): void
}): { systemsAstray: number; orphans: number } => {
  const { state, systems, kept, find } = seen
  const living = systems.filter(system => system.phase !== 'gone')
  const astray = living.filter(system => system.desired !== 'running' || system.phase !== 'ready')
  for (const system of astray)
    find('astray', `${system.name} is ${system.phase}, wanted ${system.desired}: ${system.reason ?? ''}`)
  const names = new Set(living.map(system => system.name))
  const vanished = [...kept].filter(name => !names.has(name))
  for (const name of vanished) find('vanished', `${name} was to be kept and is gone`)
  const leftOver = living.filter(system => system.name.startsWith('churn-') && !kept.has(system.name))
  for (const system of leftOver) find('left over', `${system.name} was destroyed and is ${system.phase}`)

  const wanted = new Set(agentFolders(state).flatMap(folder => agentPid(folder)))
  const agents = processesNaming(state).filter(({ command }) => command.includes('re-gent') && isAgent(command))
  const orphans = agents.filter(({ pid }) => !wanted.has(pid))
  for (const { pid, command } of orphans) find('no folder knows the process', `${pid} ${command.slice(0, 120)}`)
  const machines = systems.filter(system => system.provider === 'local' && system.phase === 'ready').length
  const locals = agents.filter(({ command }) => command.includes(join(state, 'local')))
  const surplus = Math.max(0, locals.length - machines)
  if (surplus > 0) find('surplus', `${locals.length} machines run for ${machines} systems`)
  const held = new Set(living.map(system => system.ref))
  const unheld = machinesOf(state).filter(id => !held.has(id))
  for (const id of unheld) find('no system holds the machine', id)
  return {
    systemsAstray: astray.length + vanished.length + leftOver.length,
    orphans: orphans.length + Math.max(surplus, unheld.length),
  }
}

/** Machines of the local provider that exist, whether they run or not: the folders it made and did not remove. */
const machinesOf = (state: string): string[] => {
  const root = join(state, 'local')
  return existsSync(root) ? readdirSync(root).filter(name => !name.startsWith('.')) : []
}

/** The program from its sources or bundled, told from the commands it runs by its arguments. */
const isAgent = (command: string) => /re-gent[^ ]*\/main\.m?[jt]s --state /.test(command)

const agentPid = (folder: string): number[] => {
  const file = join(folder, 'agent.json')
  if (!existsSync(file)) return []
  const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number }
  return isAlive(pid) ? [pid] : []
}
