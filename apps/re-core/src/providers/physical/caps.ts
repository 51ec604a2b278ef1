import type { Caps } from '@re-ops/protocols'

export const physicalCaps: Caps = {
  given: true,
  createIdempotency: 'lookup',
  tags: 'none',
  tagsAtCreate: 'none',
  actions: ['start', 'stop', 'reboot', 'setOwner'],
  forced: false,
  liveResize: false,
  diskShrink: false,
  snapshot: 'none',
  liveSnapshot: false,
  liveRename: true,
  userData: false,
  protection: false,
  spot: false,
  zones: false,
  opHistory: false,
  events: false,
  gracefulStop: true,
  stoppedIsBilled: false,
  reusableAfterDestroy: true,
  maxVisibilityLagMs: 0,
  latestLandingMs: 0,
}

/** There is no choice of sizes and images: what stands there is what it is. */
export const physicalSize = 'physical'
