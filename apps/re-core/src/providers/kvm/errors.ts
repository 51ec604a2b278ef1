import { isLibvirtError, LibvirtError, LinkError, UriError, type ErrorName } from '@re-ops/node-libvirt'
import { ProviderError, type ProviderErrorKind } from '@re-ops/protocols'
import { plainError } from '../plain.ts'

const meanings: Readonly<Partial<Record<ErrorName, ProviderErrorKind>>> = {
  'no-memory': 'capacity',
  'no-support': 'unsupported',
  'invalid-argument': 'invalid',
  'xml-error': 'invalid',
  'xml-invalid': 'invalid',
  'config-unsupported': 'invalid',
  'argument-unsupported': 'unsupported',
  'operation-unsupported': 'unsupported',
  'domain-exists': 'conflict',
  'volume-exists': 'conflict',
  'operation-denied': 'denied',
  'access-denied': 'denied',
  'auth-failed': 'auth',
  'auth-cancelled': 'auth',
  'auth-unavailable': 'auth',
  'no-domain': 'not-found',
  'no-volume': 'not-found',
  'no-pool': 'invalid',
  'no-network': 'invalid',
  'operation-invalid': 'busy',
  'resource-busy': 'busy',
  'operation-timeout': 'busy',
  'operation-aborted': 'transient',
  'agent-unresponsive': 'busy',
}
/** libvirt has no number of its own for a host that has no room: it passes on what the system said. */
const noRoom = /cannot allocate memory|no space left|not enough (space|free)|cannot set up guest memory/i

const messageMax = 300
const linkWords = { refused: 'is not reached', lost: 'was lost', closed: 'was closed' } as const

/** libvirt's refusals by their reason; what was sent and not answered may have been done. */
export const classifyKvm = (error: unknown, mutates: boolean): ProviderError => {
  if (error instanceof LinkError) {
    const outcome = mutates && error.sent ? 'unknown' : 'not-applied'
    const what = (linkWords as Record<string, string>)[error.reason] ?? 'did not answer'
    return new ProviderError('transient', outcome, `libvirt ${what}: ${error.message.slice(0, messageMax)}`)
  }
  if (error instanceof UriError) return new ProviderError('invalid', 'not-applied', error.message)
  if (!isLibvirtError(error)) return plainError(error, mutates)
  const kind = noRoom.test(error.message) ? 'capacity' : (meanings[error.reason] ?? 'transient')
  // It ran and failed: part of it may be done. What it refused beforehand changed nothing.
  const outcome = mutates && kind === 'transient' ? 'unknown' : 'not-applied'
  return new ProviderError(kind, outcome, `libvirt says ${error.reason}: ${error.message.slice(0, messageMax)}`, {
    code: String(error.code),
  })
}

/** The call's failure in the port's words. */
export const told = async <T>(mutates: boolean, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw classifyKvm(error, mutates)
  }
}

/** What it gives, or null when libvirt says no for one of these reasons. */
export const unless = async <T>(work: Promise<T>, ...reasons: readonly ErrorName[]): Promise<T | null> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof LibvirtError && reasons.includes(error.reason)) return null
    throw error
  }
}
