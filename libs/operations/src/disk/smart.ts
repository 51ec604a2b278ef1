import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { Path } from '../text.ts'

const maybe = <T extends 'string' | 'integer' | 'boolean'>(type: T, description: string) =>
  Type.Unsafe<(T extends 'string' ? string : T extends 'integer' ? number : boolean) | null>({
    anyOf: [{ type }, { type: 'null' }],
    description,
  })
const Smart = Type.Object({
  device: Type.String(),
  model: maybe('string', 'as the disk says'),
  serial: maybe('string', 'as the disk says'),
  passed: maybe('boolean', 'its own overall verdict; null when it gives none'),
  temperatureC: maybe('integer', 'now'),
  powerOnHours: maybe('integer', 'since it was made'),
  reallocatedSectors: maybe('integer', 'ATA attribute 5, raw'),
  pendingSectors: maybe('integer', 'ATA attribute 197, raw'),
  percentageUsed: maybe('integer', 'NVMe: of its endurance, may exceed 100'),
  mediaErrors: maybe('integer', 'NVMe: data that could not be read back'),
  failing: Type.Array(Type.String(), { description: 'attributes that are, or were, below their threshold' }),
})
type Smart = Static<typeof Smart>

/** As much of `smartctl -j` as is used; all of it may be missing. */
type Attribute = { id?: number; name?: string; when_failed?: string; raw?: { value?: number } }
type Raw = {
  smartctl?: { exit_status?: number; messages?: { string?: string }[] }
  device?: { name?: string }
  model_name?: string
  scsi_model_name?: string
  serial_number?: string
  smart_status?: { passed?: boolean }
  temperature?: { current?: number }
  power_on_time?: { hours?: number }
  ata_smart_attributes?: { table?: Attribute[] }
  nvme_smart_health_information_log?: { percentage_used?: number; media_errors?: number }
}

/** Of its exit code the lower three bits mean that it could not do its work; the others tell of the disk. */
const smartOf = (raw: Raw): Smart => {
  const status = raw.smartctl?.exit_status ?? 0
  if ((status & 3) !== 0 || raw.device?.name === undefined)
    throw new Error(raw.smartctl?.messages?.map(one => one.string ?? '').join('; ') || `smartctl exits with ${status}`)
  const attributes = raw.ata_smart_attributes?.table ?? []
  const rawOf = (id: number) => attributes.find(one => one.id === id)?.raw?.value ?? null
  const log = raw.nvme_smart_health_information_log
  return {
    device: raw.device.name,
    model: raw.model_name ?? raw.scsi_model_name ?? null,
    serial: raw.serial_number ?? null,
    passed: raw.smart_status?.passed ?? null,
    temperatureC: raw.temperature?.current ?? null,
    powerOnHours: raw.power_on_time?.hours ?? null,
    reallocatedSectors: rawOf(5),
    pendingSectors: rawOf(197),
    percentageUsed: log?.percentage_used ?? null,
    mediaErrors: log?.media_errors ?? null,
    failing: attributes.filter(one => (one.when_failed ?? '') !== '').map(one => `${one.name} (${one.when_failed})`),
  }
}

export const diskSmart = operation({
  name: 'disk.smart',
  doc: 'The health of a disk as it tells itself (SMART), by smartctl.',
  input: Type.Object({ device: Path({ examples: ['/dev/sda'] }), ...becomeInput }, { additionalProperties: false }),
  output: Smart,
  reads: true,
  shell: {
    script: ({ device }) =>
      scriptWith(
        { device },
        'command -v smartctl >/dev/null || fail "smartctl is not here"\nsmartctl -j -i -H -A -- "$device" || :',
      ),
    ...becomes,
    parse: ({ stdout }) => smartOf(JSON.parse(stdout) as Raw),
  },
  varies: { device: 'host', serial: 'host', temperatureC: 'any', powerOnHours: { tolerance: 0, absolute: 1 } },
  summary: { passed: ['histogram'], temperatureC: ['max'], reallocatedSectors: ['max'], percentageUsed: ['max'] },
  display: {
    columns: [
      { title: 'DEVICE', get: s => s.device },
      { title: 'MODEL', get: s => s.model ?? '' },
      { title: 'HEALTH', get: s => (s.passed === null ? 'unknown' : s.passed ? 'passed' : 'FAILED') },
      { title: 'TEMP', get: s => (s.temperatureC === null ? '' : `${s.temperatureC} C`) },
      { title: 'HOURS', get: s => (s.powerOnHours === null ? '' : String(s.powerOnHours)) },
      { title: 'FAILING', get: s => s.failing.join(', ') },
    ],
  },
})
