import { readdirSync, readFileSync, statSync } from 'node:fs'

/** The soft limit on open files of this process; libzmq spins at 100 % CPU when it is reached. */
export const openFilesMax = (): number => {
  const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return match?.[1] === undefined || match[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[1])
}

/** Kernels since 6.2 say how many as the folder's size; listing tens of thousands each second takes the loop ten milliseconds. */
export const openFiles = (): number => statSync('/proc/self/fd').size || readdirSync('/proc/self/fd').length
