import { types } from 'node:util'
import { ProviderError, type ProviderErrorKind } from '@re-ops/protocols'
import { plainError } from '../plain.ts'

type Meaning = { readonly kind: ProviderErrorKind; readonly notApplied?: true }
const refused = (kind: ProviderErrorKind): Meaning => ({ kind, notApplied: true })

/** What EC2's codes mean. Those with `notApplied` say so although they come as HTTP 5xx. */
const meanings: Readonly<Record<string, Meaning>> = {
  RequestLimitExceeded: refused('throttled'),
  EC2ThrottledException: refused('throttled'),
  Throttling: refused('throttled'),
  ThrottlingException: refused('throttled'),
  InsufficientInstanceCapacity: refused('capacity'),
  InsufficientHostCapacity: refused('capacity'),
  InsufficientReservedInstanceCapacity: refused('capacity'),
  InsufficientCapacity: refused('capacity'),
  InsufficientCapacityOnOutpost: refused('capacity'),
  InsufficientFreeAddressesInSubnet: refused('capacity'),
  MaxSpotInstanceCountExceeded: refused('capacity'),
  SpotMaxPriceTooLow: refused('capacity'),
  UnfulfillableCapacity: refused('capacity'),
  Unsupported: refused('capacity'),
  ReservationCapacityExceeded: refused('capacity'),
  VcpuLimitExceeded: refused('quota'),
  InstanceLimitExceeded: refused('quota'),
  VolumeLimitExceeded: refused('quota'),
  MaxIOPSLimitExceeded: refused('quota'),
  SnapshotLimitExceeded: refused('quota'),
  TagLimitExceeded: refused('quota'),
  SecurityGroupLimitExceeded: refused('quota'),
  RulesPerSecurityGroupLimitExceeded: refused('quota'),
  SecurityGroupsPerInstanceLimitExceeded: refused('quota'),
  'InvalidZone.NotFound': refused('invalid'),
  AuthFailure: refused('auth'),
  InvalidClientTokenId: refused('auth'),
  UnrecognizedClientException: refused('auth'),
  SignatureDoesNotMatch: refused('auth'),
  ExpiredToken: refused('auth'),
  RequestExpired: refused('auth'),
  OptInRequired: refused('auth'),
  PendingVerification: refused('auth'),
  CredentialsProviderError: refused('auth'),
  UnauthorizedOperation: refused('denied'),
  AccessDenied: refused('denied'),
  IncorrectInstanceState: refused('busy'),
  IncorrectState: refused('busy'),
  VolumeInUse: refused('busy'),
  DependencyViolation: refused('busy'),
  'InvalidGroup.InUse': refused('busy'),
  ConcurrentTagAccess: refused('busy'),
  UnsupportedOperation: refused('unsupported'),
  OperationNotPermitted: refused('protected'),
  IdempotentParameterMismatch: refused('identity-mismatch'),
  IdempotentInstanceTerminated: refused('identity-spent'),
  InternalError: { kind: 'transient' },
  InternalFailure: { kind: 'transient' },
  ServiceUnavailable: { kind: 'transient' },
  Unavailable: { kind: 'transient' },
}

const meaningOf = (code: string, status: number): Meaning => {
  const known = meanings[code]
  if (known !== undefined) return known
  if (code.endsWith('.NotFound')) return refused('not-found')
  if (code.endsWith('.Duplicate')) return refused('conflict')
  if (status >= 500) return { kind: 'transient' }
  return refused(status === 401 ? 'auth' : status === 403 ? 'denied' : 'invalid')
}

type SdkError = Error & { $metadata?: { httpStatusCode?: number; requestId?: string }; Code?: string }
const messageMax = 300
/** EC2 packs the denied action into a long encoded message that only its owner can read. */
const plainMessage = (message: string): string =>
  message.replace(/ ?Encoded authorization failure message:.*$/s, '').slice(0, messageMax)

/** Nothing came back: the connection broke, or the deadline passed; a fault of the client's own is a bug. */
const unanswered = (error: SdkError, mutates: boolean): ProviderError => {
  const plain = plainError(error, mutates)
  if (plain.kind !== 'bug' || error.name !== 'Error') return plain
  return new ProviderError('transient', plain.outcome, 'EC2 did not answer: the connection broke')
}

/** From an SDK error's name, status and message; the error itself holds the request and is let go. */
export const classifyEc2 = (error: unknown, mutates: boolean): ProviderError => {
  if (error instanceof ProviderError || !types.isNativeError(error)) return plainError(error, mutates)
  const { $metadata, Code } = error as SdkError
  const status = $metadata?.httpStatusCode
  const code = Code ?? error.name
  if (status === undefined && meanings[code] === undefined) return unanswered(error, mutates)
  const { kind, notApplied } = meaningOf(code, status ?? 0)
  const requestId = $metadata?.requestId
  return new ProviderError(
    kind,
    notApplied === true || !mutates ? 'not-applied' : 'unknown',
    `EC2 says ${code}: ${plainMessage(error.message)}`,
    { code, ...(requestId === undefined ? {} : { requestId }) },
  )
}
