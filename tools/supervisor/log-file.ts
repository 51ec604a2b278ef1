import { closeSync, copyFileSync, existsSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs'

/** One log keeps at most twice this: itself and the part before it (`.1`). */
export const logBytesMax = 8 * 1024 * 1024
const tailBytesMax = 16 * 1024

/** Opened for appending, so that cutting it in place is safe while its writer lives. */
export const openLog = (path: string): number => openSync(path, 'a', 0o600)

/** Cuts a log that has grown too long; what it held is kept beside it once. */
export const boundLog = (path: string): void => {
  if (!existsSync(path) || statSync(path).size <= logBytesMax) return
  copyFileSync(path, `${path}.1`)
  truncateSync(path, 0)
}

export const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0)

/** The last lines written after `from` bytes (the size when the writer started). */
export const tailOf = (path: string, from: number, linesMax = 8): string[] => {
  if (!existsSync(path)) return []
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const start = Math.max(size < from ? 0 : from, size - tailBytesMax)
    const bytes = Buffer.alloc(size - start)
    readSync(file, bytes, 0, bytes.length, start)
    const lines = bytes.toString('utf8').split('\n')
    return lines
      .filter(line => line.trim() !== '')
      .slice(-linesMax)
      .map(readable)
  } finally {
    closeSync(file)
  }
}

/** A structured line as a person wants it: its message and its error; any other line as it is. */
const readable = (line: string): string => {
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } }
    if (typeof msg !== 'string') return line
    const why = typeof err?.message === 'string' && !msg.includes(err.message) ? `: ${err.message}` : ''
    return `${typeof level === 'string' ? `${level} ` : ''}${msg}${why}`
  } catch {
    return line // plain text
  }
}
