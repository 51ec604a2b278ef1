/** What ends a command early: one line for stderr and the exit code. 2 is wrong usage, 3 unreachable or not allowed. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly exitCode: 1 | 2 | 3
  constructor(exitCode: 1 | 2 | 3, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}
export const usage = (message: string): Fault => new Fault(2, message)
