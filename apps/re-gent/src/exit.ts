/** Why the agent ends by itself, as its exit code says it. */
export const exitCodes = { clean: 0, bug: 1, config: 2, running: 3, refused: 4 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** An end with one line for people. Anything else that is thrown is a bug. */
export class AgentExit extends Error {
  readonly code: ExitCode
  constructor(code: ExitCode, message: string) {
    super(message)
    this.name = 'AgentExit'
    this.code = code
  }
}
