import { operation, Type } from '@re-ops/pipelines'
import { scriptWith } from '../script.ts'
import { sections, wholeNumber } from '../sections.ts'

/**
 * Whether the clock is kept right is asked of systemd, else of chrony, else of the kernel: `adjtimex` of busybox tells its
 * status, of which bit 6 (STA_UNSYNC, 64) means that nobody keeps it right.
 */
const script = `echo "== now"; date -u +%s; date +%z
echo "== zone"
if [ -s /etc/timezone ]; then cat /etc/timezone; else readlink -f /etc/localtime 2>/dev/null | sed -n 's#^.*/zoneinfo/##p'; fi
echo "== systemd"
[ ! -d /run/systemd/system ] || timedatectl show -p NTPSynchronized 2>/dev/null || :
echo "== chrony"
if command -v chronyc >/dev/null; then chronyc -n tracking 2>/dev/null || :; fi
echo "== kernel"
if command -v adjtimex >/dev/null; then adjtimex 2>/dev/null | sed -n 's/^ *status: *\\([0-9]*\\).*/\\1/p' || :; fi`

const syncedOf = (systemd: string, chrony: string, kernel: string): { synced: boolean | null; by: string | null } => {
  const leap = /^Leap status\s*:\s*(.+)$/m.exec(chrony)?.[1]
  if (leap !== undefined) return { synced: leap.trim() !== 'Not synchronised', by: 'chrony' }
  const told = /^NTPSynchronized=(yes|no)$/m.exec(systemd)?.[1]
  if (told !== undefined) return { synced: told === 'yes', by: 'systemd' }
  if (/^\d+$/.test(kernel)) return { synced: (Number(kernel) & 64) === 0, by: 'kernel' }
  return { synced: null, by: null }
}

export const time = operation({
  name: 'time',
  doc: 'What time the host has, its time zone, and whether its clock is kept right.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    now: Type.String({ format: 'date-time', description: 'to the second' }),
    epochSeconds: Type.Integer(),
    zone: Type.String({ description: 'as the host names it; UTC when it does not', examples: ['Europe/Berlin'] }),
    offset: Type.String({ description: 'from UTC, now', examples: ['+0100'] }),
    synced: Type.Union([Type.Boolean(), Type.Null()], { description: 'null when nothing here can tell' }),
    syncedBy: Type.Union([Type.String(), Type.Null()], { description: 'who said so: chrony, systemd or kernel' }),
  }),
  reads: true,
  shell: {
    script: () => scriptWith({}, script),
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const [seconds, offset = ''] = (parts.get('now') ?? '').split('\n')
      const epochSeconds = wholeNumber(seconds, 'time')
      const { synced, by } = syncedOf(parts.get('systemd') ?? '', parts.get('chrony') ?? '', parts.get('kernel') ?? '')
      return {
        now: new Date(epochSeconds * 1000).toISOString(),
        epochSeconds,
        zone: parts.get('zone') || 'UTC',
        offset,
        synced,
        syncedBy: by,
      }
    },
  },
  varies: { now: 'any', epochSeconds: { tolerance: 0, absolute: 60 } },
  summary: { epochSeconds: ['min', 'max'], zone: ['histogram'], synced: ['histogram'] },
  display: {
    columns: [
      { title: 'NOW', get: t => t.now.replace('T', ' ').replace(/\..*/, '') },
      { title: 'ZONE', get: t => `${t.zone} ${t.offset}` },
      { title: 'KEPT RIGHT', get: t => (t.synced === null ? 'unknown' : t.synced ? `yes (${t.syncedBy})` : 'no') },
    ],
  },
})
