import { operation, Type, type AnyOperation, type Static } from '@re-ops/pipelines'
import { oneOf } from './one-of.ts'
import { present } from './present.ts'
import { sections } from './sections.ts'

const Reading = Type.Object({
  chip: Type.String({ examples: ['coretemp-isa-0000'] }),
  label: Type.String({ examples: ['Package id 0'] }),
  kind: oneOf(['temperature', 'fan', 'voltage', 'current', 'power', 'energy', 'humidity']),
  value: Type.Number(),
  unit: oneOf(['°C', 'rpm', 'V', 'A', 'W', 'J', '%']),
  max: Type.Optional(Type.Number({ description: 'where the chip calls it high' })),
  critical: Type.Optional(Type.Number()),
  alarm: Type.Boolean({ description: 'the chip raises one' }),
})
type Reading = Static<typeof Reading>

/** Names of lm-sensors and of sysfs (Documentation/hwmon/sysfs-interface); sysfs counts in thousandths, power and energy in millionths. */
const kinds: Readonly<Record<string, { kind: Reading['kind']; unit: Reading['unit']; scale: number }>> = {
  temp: { kind: 'temperature', unit: '°C', scale: 1e3 },
  fan: { kind: 'fan', unit: 'rpm', scale: 1 },
  in: { kind: 'voltage', unit: 'V', scale: 1e3 },
  curr: { kind: 'current', unit: 'A', scale: 1e3 },
  power: { kind: 'power', unit: 'W', scale: 1e6 },
  energy: { kind: 'energy', unit: 'J', scale: 1e6 },
  humidity: { kind: 'humidity', unit: '%', scale: 1e3 },
}

/** What is known of one sensor, by the rest of its name: `temp1_crit` is `crit`. */
const readingOf = (chip: string, label: string, type: string, values: ReadonlyMap<string, number>): Reading[] => {
  const known = kinds[type]
  const value = values.get('input') ?? values.get('average')
  if (!known || value === undefined) return []
  const alarm = [...values].some(([name, set]) => name.endsWith('alarm') && set !== 0)
  const { kind, unit } = known
  return [present({ chip, label, kind, value, unit, max: values.get('max'), critical: values.get('crit'), alarm })]
}

/** `sensors -j`: chips hold sensors hold numbers. It writes NaN for what it could not read, which is no JSON. */
const fromSensors = (text: string): Reading[] => {
  const chips = JSON.parse(text.replace(/:\s*-?nan/gi, ': null')) as Record<
    string,
    Record<string, Record<string, number | null> | string>
  >
  return Object.entries(chips).flatMap(([chip, sensors]) =>
    Object.entries(sensors).flatMap(([label, numbers]) => {
      if (typeof numbers === 'string') return [] // the adapter
      const entries = Object.entries(numbers).flatMap(([name, value]) => {
        const match = /^([a-z]+)\d+_(\w+)$/.exec(name)
        return match && value !== null ? [{ type: match[1] ?? '', rest: match[2] ?? '', value }] : []
      })
      return readingOf(chip, label, entries[0]?.type ?? '', new Map(entries.map(({ rest, value }) => [rest, value])))
    }),
  )
}

/** Lines `hwmon0/temp1_input:45000` and `thermal_zone0/temp:45000`, as grep writes them. */
const fromSysfs = (text: string): Reading[] => {
  const chips = new Map<string, Map<string, string>>()
  for (const [, chip = '', name = '', value = ''] of text.matchAll(/^([a-z_]+\d+)\/(\w+):(.*)$/gm))
    chips.set(chip, (chips.get(chip) ?? new Map<string, string>()).set(name, value))
  return [...chips].flatMap(([chip, files]) =>
    chip.startsWith('thermal') ? zoneOf(files, chip) : hwmonOf(files, chip),
  )
}

const hwmonOf = (files: ReadonlyMap<string, string>, chip: string): Reading[] => {
  const sensors = new Map<string, Map<string, number>>()
  for (const [name, value] of files) {
    const [, sensor, rest] = /^([a-z]+\d+)_(\w+)$/.exec(name) ?? []
    const scale = kinds[(sensor ?? '').replace(/\d+$/, '')]?.scale
    if (sensor === undefined || rest === undefined || scale === undefined || rest === 'label' || !/^-?\d+$/.test(value))
      continue
    const number = rest.endsWith('alarm') ? Number(value) : Number(value) / scale
    sensors.set(sensor, (sensors.get(sensor) ?? new Map<string, number>()).set(rest, number))
  }
  return [...sensors].flatMap(([sensor, values]) =>
    readingOf(files.get('name') ?? chip, files.get(`${sensor}_label`) ?? sensor, sensor.replace(/\d+$/, ''), values),
  )
}

const zoneOf = (files: ReadonlyMap<string, string>, zone: string): Reading[] => {
  const value = Number(files.get('temp'))
  if (!files.has('temp') || Number.isNaN(value)) return []
  return readingOf(zone, files.get('type') ?? zone, 'temp', new Map([['input', value / 1e3]]))
}

/** `grep` reads all of them at once; a sensor that cannot be read now is left out. */
const sysfs = `echo "== sysfs"; cd /sys/class
grep . hwmon/hwmon*/name hwmon/hwmon*/*_input hwmon/hwmon*/*_average hwmon/hwmon*/*_label hwmon/hwmon*/*_max hwmon/hwmon*/*_crit hwmon/hwmon*/*_alarm thermal/thermal_zone*/type thermal/thermal_zone*/temp /dev/null 2>/dev/null | sed 's,^[a-z]*/,,'
:`

const shared = {
  output: Type.Array(Reading),
  reads: true,
  varies: { value: { tolerance: 0.3, absolute: 10 }, alarm: 'any' },
  summary: { alarm: ['histogram'] },
  display: {
    rows: (found: readonly Reading[]) => found,
    columns: [
      { title: 'CHIP', get: (one: Reading) => one.chip },
      { title: 'SENSOR', get: (one: Reading) => one.label },
      { title: 'VALUE', get: (one: Reading) => `${one.value} ${one.unit}` },
      { title: 'MAX', get: (one: Reading) => (one.max === undefined ? '-' : String(one.max)) },
      { title: 'ALARM', get: (one: Reading) => (one.alarm ? 'yes' : '-') },
    ],
  },
} as const
const empty = Type.Object({}, { additionalProperties: false })

export const sensorsRead = operation({
  ...shared,
  name: 'sensors.read',
  doc: 'Temperatures, fans, voltages: by lm-sensors, or what the kernel shows when that is not installed.',
  input: empty,
  shell: {
    script: () => `if command -v sensors >/dev/null 2>&1; then echo "== sensors"; sensors -j; else
${sysfs}
fi`,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return [...fromSensors(parts.get('sensors') ?? '{}'), ...fromSysfs(parts.get('sysfs') ?? '')]
    },
  },
})

export const metricsSensors = operation({
  ...shared,
  name: 'metrics.sensors',
  doc: 'Temperatures, fans, voltages that the kernel shows (hwmon and thermal zones); an empty list where it shows none.',
  input: empty,
  shell: { script: () => sysfs, parse: ({ stdout }) => fromSysfs(sections(stdout).get('sysfs') ?? '') },
})

export const sensorsOperations: readonly AnyOperation[] = [metricsSensors, sensorsRead]
