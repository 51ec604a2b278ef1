import { readFileSync } from 'node:fs'

const pageBytes = 4096
const processesMax = 256

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // gone meanwhile, or no /proc
  }
}

/** A process and all that descend from it. */
const familyOf = (pid: number): number[] => {
  const found = [pid]
  for (let at = 0; at < found.length && found.length < processesMax; at += 1) {
    const children = textOf(`/proc/${found[at]}/task/${found[at]}/children`).trim()
    if (children !== '') found.push(...children.split(' ').map(Number))
  }
  return found
}

/** Resident memory of a process and its descendants, in bytes; 0 where there is no /proc. */
export const residentBytes = (pid: number): number =>
  familyOf(pid).reduce((sum, one) => sum + Number(textOf(`/proc/${one}/statm`).split(' ')[1] ?? 0) * pageBytes, 0)
