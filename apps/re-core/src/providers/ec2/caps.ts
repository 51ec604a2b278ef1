import type { Caps, LimitSpec } from '@re-ops/protocols'

export const ec2Caps: Caps = {
  createIdempotency: 'token',
  tags: 'map',
  tagsAtCreate: 'atomic',
  actions: ['start', 'stop', 'reboot', 'resize', 'rename', 'setTags', 'setProtection', 'setExpiry', 'setOwner'],
  liveResize: false,
  diskShrink: false,
  snapshot: 'disk',
  liveSnapshot: true,
  liveRename: true,
  userData: { maxBytes: 16_384 },
  protection: true,
  spot: true,
  zones: true,
  console: 'output',
  opHistory: false,
  events: false,
  gracefulStop: true,
  stoppedIsBilled: false,
  reusableAfterDestroy: false,
  // EC2 promises nothing; what the SDK's own waiters and others' operators allow for.
  maxVisibilityLagMs: 60_000,
  latestLandingMs: 60_000,
}

/** EC2's published buckets (API throttling, per account and region), with some left for the account's other users. */
export const ec2Limits: readonly LimitSpec[] = [
  { family: 'describe', perSecond: 15, burst: 75 },
  // Of 2 a second and 5 at once: calls that were spread when they were sent may arrive closer together.
  { family: 'run', perSecond: 1.8, burst: 3 },
  { family: 'mutate', perSecond: 4, burst: 40 },
]
