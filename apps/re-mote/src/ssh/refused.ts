export type RefusedReason = 'settings' | 'connection' | 'host key' | 'authentication' | 'session' | 'limit'

/** Nothing was started on the host, and why: the message says which of the steps before a command failed. */
export class SshRefused extends Error {
  override readonly name = 'SshRefused'
  readonly reason: RefusedReason
  constructor(reason: RefusedReason, message: string) {
    super(message)
    this.reason = reason
  }
}
