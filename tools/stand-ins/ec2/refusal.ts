/** An error as EC2 answers it: its code, and the HTTP status that goes with it. */
export class Ec2Refusal extends Error {
  override readonly name = 'Ec2Refusal'
  readonly code: string
  readonly status: number
  constructor(code: string, message: string) {
    super(message)
    this.code = code
    this.status = statusOf(code)
  }
}

/** Of codes that are not the client's fault; any other is 400. */
const statuses: Readonly<Record<string, number>> = {
  AuthFailure: 401,
  UnauthorizedOperation: 403,
  InsufficientInstanceCapacity: 500,
  InternalError: 500,
  InternalFailure: 500,
  RequestLimitExceeded: 503,
  Unavailable: 503,
}
const statusOf = (code: string): number => statuses[code] ?? 400

export const refuse = (code: string, message: string): never => {
  throw new Ec2Refusal(code, message)
}
