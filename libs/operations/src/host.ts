import { operation, pipeline, retry, Type, type AnyOperation } from '@re-ops/pipelines'
import { becomeInput, becomes } from './become.ts'
import { present } from './present.ts'
import { plain } from './script.ts'
import { sections } from './sections.ts'
import { bootTime } from './uptime.ts'

const BootId = Type.String({ pattern: '^[0-9a-f-]{36}$', description: 'another after each boot' })
const read = 'echo "== boot"; cat /proc/sys/kernel/random/boot_id'

export const hostBootId = operation({
  name: 'host.boot-id',
  doc: 'Which boot of the host this is: an id that is another after each boot, and when it was.',
  input: Type.Object(
    {
      not: Type.Optional(
        Type.String({
          ...BootId,
          description: 'of a boot that is about to end: the answer is the next one, or a failure',
        }),
      ),
      waitMs: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 3_600_000,
          description: 'how long that boot may still take to end; default 60000',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ bootId: BootId, bootedAt: Type.String({ format: 'date-time' }) }),
  reads: true,
  shell: {
    // A boot that does not end while this looks on was not ended: 124, as timeout(1) says it. One that does takes this with it.
    script: () => `left=$2
while [ -n "$1" ] && [ "$(cat /proc/sys/kernel/random/boot_id)" = "$1" ]; do
  [ "$left" -gt 0 ] || { echo "still the boot $1" >&2; exit 124; }
  sleep 0.5; left=$((left - 500))
done
${read}; echo "== at"; grep "^btime " /proc/stat`,
    args: ({ not = '', waitMs = 60_000 }) => [not, String(waitMs)],
    timeoutMs: ({ waitMs = 60_000 }) => waitMs + 30_000,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return { bootId: parts.get('boot') ?? '', bootedAt: bootTime(parts.get('at')) }
    },
  },
  varies: { bootId: 'host', bootedAt: 'host' },
  display: {
    columns: [
      { title: 'BOOT', get: b => b.bootId },
      { title: 'SINCE', get: b => b.bootedAt.replace('T', ' ').replace(/\..*/, '') },
    ],
  },
})

/**
 * The reboot is left to a process of its own, in a session of its own and without this call's mark: the call ends first, with
 * the id of the boot that is about to end. Whoever waits for the host asks host.boot-id until the answer is another one.
 * Debian's `reboot` is systemctl, which refuses where systemd is installed but not running; `-f` asks the kernel itself.
 */
const rebootScript = `${plain}
if [ -d /run/systemd/system ]; then how="systemctl reboot"
elif command -v reboot >/dev/null 2>&1; then how="reboot || reboot -f"
elif command -v shutdown >/dev/null 2>&1; then how="shutdown -r now"
else echo "neither systemctl, reboot nor shutdown is installed" >&2; exit 127; fi
[ "$(id -u)" = 0 ] || { echo "only root may reboot the host: become root" >&2; exit 1; }
${read}
[ -z "$2" ] || exit 0
unset REOPS_CALL_ID
start=setsid; command -v setsid >/dev/null 2>&1 || start=nohup
$start sh -c "sleep $(($1)); $how" </dev/null >/dev/null 2>&1 &`

export const hostReboot = operation({
  name: 'host.reboot',
  doc: 'Reboots the host after a moment, and says which boot that ends (compare with host.boot-id).',
  input: Type.Object(
    {
      delaySeconds: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 3600, description: 'time for the answer to get out; default 2' }),
      ),
      dry: Type.Optional(Type.Boolean({ description: 'only say what would change' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    changed: Type.Boolean({ description: 'it will reboot; never with `dry`' }),
    wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`' })),
    bootId: BootId,
    delaySeconds: Type.Integer({ minimum: 1 }),
  }),
  dry: true,
  shell: {
    script: () => rebootScript,
    args: ({ delaySeconds = 2, dry }) => [String(delaySeconds), dry ? 'y' : ''],
    ...becomes,
    parse: ({ stdout }, { delaySeconds = 2, dry }) =>
      present({
        changed: !dry,
        wouldChange: dry ? true : undefined,
        bootId: sections(stdout).get('boot') ?? '',
        delaySeconds,
      }),
  },
  varies: { bootId: 'host' },
  summary: { changed: ['histogram'] },
  display: { columns: [{ title: 'REBOOT', get: r => (r.changed ? `in ${r.delaySeconds} s` : 'would') }] },
})

/**
 * Reboots a host and ends when it answers from another boot. The look at the id is `lost` when the host goes down under it, and
 * is tried again; how long a host may stay away is the run's to say (`waitOnline`): without that it is `unreachable` at once.
 */
export const rebootAndWait = (...input: Parameters<typeof hostReboot>) =>
  pipeline(
    hostReboot(...input),
    retry(
      hostBootId.with((before: { bootId: string }) => ({ not: before.bootId })),
      { times: 5, on: ['unreachable', 'lost'] },
    ),
  )

export const hostOperations: readonly AnyOperation[] = [hostBootId, hostReboot]
