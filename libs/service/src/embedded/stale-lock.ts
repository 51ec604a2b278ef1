import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Processes whose working folder this is: every process of a running PostgreSQL sits in its data folder. Linux only. */
const processesIn = async (folder: string): Promise<readonly number[]> => {
  const real = await realpath(folder)
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const cwds = await Promise.all(
    pids.map(async pid => [Number(pid), await readlink(`/proc/${pid}/cwd`).catch(() => '')] as const),
  )
  return cwds.filter(([, cwd]) => cwd === real).map(([pid]) => pid)
}

/**
 * After a kill or a reboot `postmaster.pid` may name a process that is now something else (in a container nearly always); PostgreSQL
 * would then refuse to start. The lock is removed only when no process at all sits in the data folder.
 */
export const removeStaleLock = async (folder: string): Promise<boolean> => {
  if (process.platform !== 'linux') return false
  const lock = join(folder, 'postmaster.pid')
  const text = await readFile(lock, 'utf8').catch(() => null)
  if (text === null || (await processesIn(folder)).length > 0) return false
  await rm(lock, { force: true })
  return true
}
