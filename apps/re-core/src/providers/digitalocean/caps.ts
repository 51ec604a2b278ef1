import type { Caps, LimitSpec } from '@re-ops/protocols'

export const doCaps: Caps = {
  createIdempotency: 'lookup',
  tags: 'set',
  tagsAtCreate: 'after',
  actions: ['start', 'stop', 'reboot', 'resize', 'rename', 'setTags', 'setExpiry', 'setOwner'],
  liveResize: false,
  diskShrink: false,
  snapshot: 'disk',
  liveSnapshot: true,
  liveRename: true,
  userData: { maxBytes: 65_536 },
  protection: false,
  spot: false,
  zones: false,
  opHistory: true,
  events: false,
  gracefulStop: true,
  stoppedIsBilled: true,
  reusableAfterDestroy: true,
  maxVisibilityLagMs: 10_000,
  latestLandingMs: 60_000,
}

/**
 * 250 requests a minute and 5,000 an hour, counted over windows that slide: burst and what comes back within the window
 * stay below together. Every call counts in both.
 */
export const doLimits: readonly LimitSpec[] = [
  { family: 'minute', perSecond: 2, burst: 125, scope: 'account' },
  { family: 'hour', perSecond: 1.1, burst: 1_000, scope: 'account' },
]
