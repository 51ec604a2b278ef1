import { types } from 'node:util'
import { pino, type DestinationStream, type Logger } from 'pino'
import { redact, redactError, redactText } from './redact.ts'

export type Log = Logger
export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogOptions = {
  readonly service: string
  readonly level?: LogLevel
  readonly destination?: DestinationStream
}

/** A reader of the log that went away costs lines, not the service. */
const standardError = (): DestinationStream => {
  const stderr = pino.destination({ dest: 2, sync: true })
  stderr.on('error', () => undefined)
  return stderr
}

/**
 * JSON lines on stderr (stdout belongs to the ready line and to results). Redacted twice: fields by name before the line is
 * made, and anything that looks like a credential in the finished line, so that a careless message cannot leak one.
 */
export const makeLog = ({ service, level = 'info', destination }: LogOptions): Log =>
  pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: error => (types.isNativeError(error) ? redactError(error) : redact(error)) },
      formatters: {
        level: label => ({ level: label }),
        log: fields => redact(fields) as Record<string, unknown>,
      },
      hooks: { streamWrite: redactText },
    },
    destination ?? standardError(),
  )
