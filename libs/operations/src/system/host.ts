import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { sections } from '../sections.ts'
import { lines } from '../text.ts'

const Id = Type.Union([Type.String(), Type.Null()])

export const hostId = operation({
  name: 'host.id',
  doc: 'The ids of the machine: machine-id, that of its firmware (only root may see it), and that of this boot.',
  input: Type.Object(becomeInput, { additionalProperties: false }),
  output: Type.Object({ machineId: Id, firmwareId: Id, bootId: Id }),
  reads: true,
  shell: {
    script: () =>
      scriptWith(
        {},
        `echo "== machine"; cat /etc/machine-id 2>/dev/null || cat /var/lib/dbus/machine-id 2>/dev/null || :
echo "== firmware"; cat /sys/class/dmi/id/product_uuid 2>/dev/null || :
echo "== boot"; cat /proc/sys/kernel/random/boot_id`,
      ),
    ...becomes,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const bootId = parts.get('boot')
      if (bootId === undefined) throw new Error('no boot id in the output')
      return {
        machineId: parts.get('machine') || null,
        firmwareId: parts.get('firmware')?.toLowerCase() || null,
        bootId,
      }
    },
  },
  varies: { machineId: 'host', firmwareId: 'host', bootId: 'host' },
  display: {
    columns: [
      { title: 'MACHINE', get: h => h.machineId ?? '-' },
      { title: 'FIRMWARE', get: h => h.firmwareId ?? '-' },
      { title: 'BOOT', get: h => h.bootId ?? '-' },
    ],
  },
})

export const localeGet = operation({
  name: 'locale.get',
  doc: 'The language of the host, and those that it has.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    lang: Type.Union([Type.String(), Type.Null()], {
      description: 'LANG for those who log in; null when it is not set',
    }),
    available: Type.Array(Type.String()),
  }),
  reads: true,
  shell: {
    script: () =>
      scriptWith(
        {},
        `echo "== lang"; cat /etc/locale.conf /etc/default/locale 2>/dev/null | sed -n 's/^LANG=//p' | head -n 1
echo "== available"; if command -v locale >/dev/null; then locale -a 2>/dev/null | sort; fi`,
      ),
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const lang = parts.get('lang') ?? ''
      if (!stdout.includes('== available')) throw new Error('no languages in the output')
      return { lang: lang.replace(/^"(.*)"$/, '$1') || null, available: lines(parts.get('available')) }
    },
  },
  summary: { lang: ['histogram'] },
  display: {
    columns: [
      { title: 'LANG', get: l => l.lang ?? '-' },
      { title: 'AVAILABLE', get: l => l.available.join(' ') },
    ],
  },
})
