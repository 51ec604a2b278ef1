import { writeSync } from 'node:fs'
import { hostname } from 'node:os'

const levels = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 } as const
export type LogLevel = keyof typeof levels
export const logLevels = Object.keys(levels) as LogLevel[]

export type Log = {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/**
 * Lines in pino's JSON shape on standard error, without pino: an agent is alone on its host and small. A line that the
 * reader does not take is dropped and counted in the next one, because logging must never stop work.
 */
export const makeLog = (level: LogLevel, write: (line: string) => void = line => void writeSync(2, line)): Log => {
  const host = hostname()
  let dropped = 0
  const at = (name: LogLevel) => (msg: string, fields?: Readonly<Record<string, unknown>>) => {
    if (levels[name] < levels[level]) return
    const base = { level: levels[name], time: Date.now(), pid: process.pid, hostname: host, service: 're-gent' }
    const line = JSON.stringify({ ...base, ...fields, ...(dropped > 0 ? { dropped } : {}), msg })
    try {
      write(`${line}\n`)
      dropped = 0
    } catch {
      dropped += 1
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** The words of an error, whatever was thrown. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error))
