import { types } from 'node:util'
import { ConfigError } from './config.ts'
import { redactText } from './redact.ts'
import { StartError } from './start-error.ts'

type Coded = Error & {
  code?: string
  path?: string
  port?: number
  address?: string
  hostname?: string
  syscall?: string
}

const databaseHints: Readonly<Record<string, string>> = {
  '28P01': 'user or password is wrong; correct DATABASE_URL',
  '28000': 'this user may not connect; correct DATABASE_URL or pg_hba.conf',
  '3D000': 'the database does not exist; create it, or correct DATABASE_URL',
  '42501': 'the user lacks a right; let the user own its schema',
}

/** A start error in one line: what was wrong, where, what to do. Never a stack, never a secret. */
export const explain = (error: unknown): string => {
  if (error instanceof ConfigError || error instanceof StartError) return redactText(error.message)
  if (!types.isNativeError(error)) return redactText(String(error))
  const { code, path, port, address, hostname, message } = error as Coded
  const text = redactText(message.split('\n')[0] ?? '')
  if (code && databaseHints[code]) return `Postgres refuses: ${text}: ${databaseHints[code]}`
  if (code === 'EADDRINUSE')
    return `port ${port} on ${address} is in use; choose another port (0 = any) or stop the other process`
  if (code === 'EADDRNOTAVAIL') return `address ${address} is not one of this machine; choose another host`
  if (code === 'EACCES' && port) return `port ${port} on ${address} is not allowed for this user; choose one above 1023`
  if (code === 'ECONNREFUSED') return `nothing answers at ${address}:${port}; start it or correct the URL`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `host ${hostname} cannot be resolved (${code}); correct the URL`
  if (code && path) return `${path}: ${code}; check that it exists and belongs to this user`
  return error instanceof AggregateError && error.errors.length > 0 ? explain(error.errors[0]) : text || error.name
}
