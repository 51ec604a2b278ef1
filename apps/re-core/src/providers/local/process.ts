import { readFile, readdir } from 'node:fs/promises'

/** A live process as the kernel names it: a pid alone is reused, a pid with its start time is not. */
export type LiveProcess = { readonly pid: number; readonly startTicks: string }

/** The mark every process of a machine carries in its environment: the machine's folder. */
export const markName = 'REOPS_MACHINE_FOLDER'

/** State and start time from /proc/<pid>/stat; the command's name may hold blanks and parentheses, so from the last one. */
const readStat = async (pid: number): Promise<{ state: string; startTicks: string } | null> => {
  const text = await readProc(`/proc/${pid}/stat`)
  if (text === null) return null
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  return state === undefined || startTicks === undefined ? null : { state, startTicks }
}

const readProc = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'latin1')
  } catch {
    return null // it ended meanwhile, or belongs to someone else: either way not ours
  }
}

/** The process if it lives; zombies are dead (nobody may ever reap them). */
export const liveProcess = async (pid: number): Promise<LiveProcess | null> => {
  const stat = await readStat(pid)
  return stat === null || stat.state === 'Z' || stat.state === 'X' ? null : { pid, startTicks: stat.startTicks }
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

/**
 * Every live process that carries a machine's mark, from one walk over the process table. The agent is told from the
 * commands it runs (which inherit the mark) by its arguments: `--state <the folder>`.
 */
export const markedProcesses = async (): Promise<MarkedProcess[]> => {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const found: MarkedProcess[] = []
  for (const pid of pids) {
    const folder = markOf(await readProc(`/proc/${pid}/environ`))
    if (folder === null) continue
    const live = await liveProcess(pid)
    if (live === null) continue
    const args = ((await readProc(`/proc/${pid}/cmdline`)) ?? '').split('\0')
    const state = args[args.indexOf('--state') + 1]
    const isAgent = args.includes('--state') && Buffer.from(state ?? '', 'latin1').toString('utf8') === folder
    found.push({ ...live, folder, isAgent })
  }
  return found.sort((a, b) => Number(a.startTicks) - Number(b.startTicks))
}

/** Sends the signal to the very process meant; gone is fine. */
export const signalProcess = async (process_: LiveProcess, signal: NodeJS.Signals): Promise<void> => {
  if (!(await sameProcessLives(process_))) return
  try {
    process.kill(process_.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
