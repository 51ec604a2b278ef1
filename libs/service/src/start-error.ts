/** Why a service cannot start, in one line that says what, where and what to do. Exit code 1. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
