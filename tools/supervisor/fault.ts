/** Why the cluster cannot start or go on, in one line that says what to do; `tail` is what the failing part said last. */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError'
  readonly tail: readonly string[]
  constructor(message: string, tail: readonly string[] = [], options?: ErrorOptions) {
    super(message, options)
    this.tail = tail
  }
}

/** By shape, not by class: errors of the platform may come from another realm. */
const field = (error: unknown, name: 'code' | 'message'): string | undefined => {
  const value = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined
  return typeof value === 'string' ? value : undefined
}
export const codeOf = (error: unknown): string | undefined => field(error, 'code')
export const messageOf = (error: unknown): string => field(error, 'message') ?? String(error)
