import { readFileSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'

/** A live process as the kernel names it: a pid alone is reused, a pid with its start time is not. */
export type LiveProcess = { readonly pid: number; readonly startTicks: string }

/** The mark every process of a machine carries in its environment: the machine's folder. */
export const markName = 'REOPS_MACHINE_FOLDER'

/** State and start time from /proc/<pid>/stat; the command's name may hold blanks and parentheses, so from the last one. */
const readStat = async (pid: number): Promise<{ state: string; parent: number; startTicks: string } | null> => {
  const text = await readProc(`/proc/${pid}/stat`)
  if (text === null) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, startTicks] = [fields[0], fields[1], fields[19]]
  return state === undefined || startTicks === undefined ? null : { state, parent: Number(parent), startTicks }
}

const readProc = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'latin1')
  } catch {
    return null // it ended meanwhile, or belongs to someone else: either way not ours
  }
}

const isDead = (state: string): boolean => state === 'Z' || state === 'X'

/** The process if it lives; zombies are dead (nobody may ever reap them). */
export const liveProcess = async (pid: number): Promise<LiveProcess | null> => {
  const stat = await readStat(pid)
  return stat === null || isDead(stat.state) ? null : { pid, startTicks: stat.startTicks }
}

export const sameProcessLives = async (process: LiveProcess): Promise<boolean> =>
  (await liveProcess(process.pid))?.startTicks === process.startTicks

/** Whether the process carries the mark of that machine folder. */
export const carriesMark = async (pid: number, folder: string): Promise<boolean> =>
  markOf(await readProc(`/proc/${pid}/environ`)) === folder

const markOf = (environment: string | null): string | null => {
  if (environment === null) return null
  const entry = environment.split('\0').find(one => one.startsWith(`${markName}=`))
  return entry === undefined ? null : Buffer.from(entry.slice(markName.length + 1), 'latin1').toString('utf8')
}

export type MarkedProcess = LiveProcess & { readonly folder: string; readonly isAgent: boolean }

const readNow = (path: string): string | null => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null // as above
  }
}

/** After so many processes the event loop gets its turn: reading them one by one asynchronously costs ten times as much. */
const readsPerTurn = 100

const walk = async (): Promise<MarkedProcess[]> => {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const found: (MarkedProcess & { parent: number })[] = []
  for (const [n, pid] of pids.entries()) {
    if (n % readsPerTurn === readsPerTurn - 1) await new Promise(resolve => setImmediate(resolve))
    const folder = markOf(readNow(`/proc/${pid}/environ`))
    if (folder === null) continue
    const stat = await readStat(pid)
    if (stat === null || isDead(stat.state)) continue
    const args = (readNow(`/proc/${pid}/cmdline`) ?? '').split('\0')
    const state = args[args.indexOf('--state') + 1]
    const isAgent = args.includes('--state') && Buffer.from(state ?? '', 'latin1').toString('utf8') === folder
    found.push({ pid, startTicks: stat.startTicks, parent: stat.parent, folder, isAgent })
  }
  // A child that was forked and has not become its command yet looks exactly like the agent it came from.
  const agents = new Set(found.filter(one => one.isAgent).map(one => one.pid))
  return found
    .map(({ parent, ...one }) => ({ ...one, isAgent: one.isAgent && !agents.has(parent) }))
    .sort((a, b) => Number(a.startTicks) - Number(b.startTicks))
}

/** At most one walk at a time; who asks during one shares the next, since the one under way may have passed by. */
const sharing = <T>(work: () => Promise<T>): (() => Promise<T>) => {
  let running: Promise<T> | null = null
  let next: Promise<T> | null = null
  const run = (): Promise<T> => {
    next = null
    const mine = work().finally(() => {
      if (running === mine) running = null
    })
    running = mine
    return mine
  }
  return () => {
    if (next !== null) return next
    if (running === null) return run()
    next = running.then(run, run)
    return next
  }
}

/**
 * Every live process that carries a machine's mark, from a walk over the process table that began after the call. The
 * agent is told from the commands it runs (which inherit the mark) by its arguments: `--state <the folder>`.
 */
export const markedProcesses: () => Promise<MarkedProcess[]> = sharing(walk)

/** Sends the signal to the very process meant; gone is fine. */
export const signalProcess = async (process_: LiveProcess, signal: NodeJS.Signals): Promise<void> => {
  if (!(await sameProcessLives(process_))) return
  try {
    process.kill(process_.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
