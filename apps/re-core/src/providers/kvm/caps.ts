import type { Caps } from '@re-ops/protocols'
import { seedBytesMax } from './seed.ts'

export const kvmCaps: Caps = {
  createIdempotency: 'caller-id',
  tags: 'metadata',
  tagsAtCreate: 'atomic',
  actions: ['start', 'stop', 'reboot', 'resize', 'rename', 'setTags', 'setProtection', 'setExpiry', 'setOwner'],
  liveResize: false,
  diskShrink: false,
  snapshot: 'disk',
  liveSnapshot: false,
  liveRename: false,
  userData: { maxBytes: seedBytesMax },
  protection: true,
  spot: false,
  zones: false,
  opHistory: false,
  events: false,
  gracefulStop: true,
  stoppedIsBilled: false,
  reusableAfterDestroy: true,
  maxVisibilityLagMs: 0,
  // libvirtd does what it was sent even when its client is gone: the longest of its calls.
  latestLandingMs: 60_000,
  console: 'stream',
  // systemd and cloud-init on an emulated CPU that others share.
  bootTimeoutMs: 600_000,
}
