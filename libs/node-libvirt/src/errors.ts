/** What libvirt's error numbers mean, for those that programs tell apart (virterror.h; numbers never change). */
export const errorCodes = {
  1: 'internal-error',
  2: 'no-memory',
  3: 'no-support',
  5: 'no-connect',
  7: 'invalid-domain',
  8: 'invalid-argument',
  9: 'operation-failed',
  27: 'xml-error',
  28: 'domain-exists',
  29: 'operation-denied',
  36: 'invalid-network',
  37: 'network-exists',
  38: 'system-error',
  39: 'rpc',
  42: 'no-domain',
  43: 'no-network',
  45: 'auth-failed',
  46: 'invalid-pool',
  47: 'invalid-volume',
  49: 'no-pool',
  50: 'no-volume',
  55: 'operation-invalid',
  67: 'config-unsupported',
  68: 'operation-timeout',
  71: 'invalid-snapshot',
  72: 'no-snapshot',
  74: 'argument-unsupported',
  78: 'operation-aborted',
  79: 'auth-cancelled',
  80: 'no-metadata',
  84: 'operation-unsupported',
  86: 'agent-unresponsive',
  87: 'resource-busy',
  88: 'access-denied',
  90: 'volume-exists',
  92: 'xml-invalid',
  94: 'auth-unavailable',
  99: 'device-missing',
} as const
export type ErrorName = (typeof errorCodes)[keyof typeof errorCodes] | 'other'

/** What libvirt answered to a call. It got the call; unless `reason` says otherwise nothing was changed by it. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError'
  /** A word for `code`; `other` for those without one. */
  readonly reason: ErrorName
  /** virErrorNumber. */
  readonly code: number
  /** virErrorDomain: the part of libvirt that says so, for example 10 = QEMU, 18 = storage. */
  readonly domain: number
  constructor(code: number, domain: number, message: string) {
    super(message)
    this.code = code
    this.domain = domain
    this.reason = (errorCodes as Record<number, ErrorName | undefined>)[code] ?? 'other'
  }
}

export type LinkReason = 'refused' | 'lost' | 'timeout' | 'aborted' | 'protocol' | 'closed' | 'full'

/** No answer came: what the call did is known only if it was never sent. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  /** `refused`: no connection could be made; `full`: too many calls wait; the others as they say. */
  readonly reason: LinkReason
  /** Whether libvirt may have got the call. */
  readonly sent: boolean
  constructor(reason: LinkReason, sent: boolean, message: string) {
    super(message)
    this.reason = reason
    this.sent = sent
  }
}

/** Whether this is libvirt's answer for one of these reasons. */
export const isLibvirtError = (error: unknown, ...reasons: readonly ErrorName[]): error is LibvirtError =>
  error instanceof LibvirtError && (reasons.length === 0 || reasons.includes(error.reason))
