import { operation, Type, type Static } from '@re-ops/pipelines'
import { bytes, percent } from '../show.ts'
import { diskRates, networkRates } from './rates.ts'
import { callTimeoutMs, readings, twice, Window, windowArgs } from './window.ts'

const Rate = Type.Number({ minimum: 0 })

const DiskRates = Type.Object({
  device: Type.String({ examples: ['vda'] }),
  readsPerSecond: Rate,
  writesPerSecond: Rate,
  readBytesPerSecond: Rate,
  writeBytesPerSecond: Rate,
  busy: Type.Number({ minimum: 0, maximum: 1, description: 'share of the time with work under way' }),
  waitMs: Type.Number({ minimum: 0, description: 'mean time of one read or write, waiting included' }),
})
type DiskRates = Static<typeof DiskRates>

export const metricsDisk = operation({
  name: 'metrics.disk',
  doc: 'What each disk did over a moment: reads and writes per second, how busy it was.',
  input: Type.Object(Window, { additionalProperties: false }),
  output: Type.Array(DiskRates),
  reads: true,
  native: true,
  shell: {
    script: () => twice('cat /proc/diskstats'),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }) => {
      const { before, after } = readings(stdout)
      return diskRates(before, after)
    },
  },
  varies: ['readsPerSecond', 'writesPerSecond', 'readBytesPerSecond', 'writeBytesPerSecond', 'busy', 'waitMs'],
  summary: { readBytesPerSecond: ['sum', 'max'], writeBytesPerSecond: ['sum', 'max'], busy: ['max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'DEVICE', get: (one: DiskRates) => one.device },
      {
        title: 'READ/S',
        get: (one: DiskRates) => `${bytes(one.readBytesPerSecond)} (${one.readsPerSecond.toFixed(0)})`,
      },
      {
        title: 'WRITE/S',
        get: (one: DiskRates) => `${bytes(one.writeBytesPerSecond)} (${one.writesPerSecond.toFixed(0)})`,
      },
      { title: 'BUSY', get: (one: DiskRates) => percent(one.busy) },
      { title: 'WAIT', get: (one: DiskRates) => `${one.waitMs.toFixed(1)} ms` },
    ],
  },
})

const NetworkRates = Type.Object({
  name: Type.String({ examples: ['eth0'] }),
  rxBytesPerSecond: Rate,
  txBytesPerSecond: Rate,
  rxPacketsPerSecond: Rate,
  txPacketsPerSecond: Rate,
  errorsPerSecond: Rate,
  droppedPerSecond: Rate,
})
type NetworkRates = Static<typeof NetworkRates>

export const metricsNetwork = operation({
  name: 'metrics.network',
  doc: 'What went through each network interface over a moment, per second.',
  input: Type.Object(Window, { additionalProperties: false }),
  output: Type.Array(NetworkRates),
  reads: true,
  native: true,
  shell: {
    script: () => twice('cat /proc/net/dev'),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }) => {
      const { before, after } = readings(stdout)
      return networkRates(before, after)
    },
  },
  varies: Object.keys(NetworkRates.properties).filter(name => name !== 'name'),
  summary: { rxBytesPerSecond: ['sum', 'max'], txBytesPerSecond: ['sum', 'max'], errorsPerSecond: ['sum'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'INTERFACE', get: (one: NetworkRates) => one.name },
      { title: 'RX/S', get: (one: NetworkRates) => bytes(one.rxBytesPerSecond) },
      { title: 'TX/S', get: (one: NetworkRates) => bytes(one.txBytesPerSecond) },
      { title: 'ERRORS/S', get: (one: NetworkRates) => String(one.errorsPerSecond) },
    ],
  },
})
