import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { describe, expect, test } from '@jest/globals'
import { checkOutput, operationNamed } from './index.ts'
import { natives } from './native.ts'
import { diskRates, cpuUse, networkRates } from './metrics/rates.ts'
import { valueHere } from './testing.ts'

const brief = { windowMs: 50 }
const sampled = ['metrics.cpu', 'metrics.disk', 'metrics.network'] as const
const instant = ['metrics.memory', 'metrics.load', 'metrics.entropy'] as const

const natively = async (name: string, input: unknown = {}): Promise<unknown> => {
  const operation = operationNamed(name)
  const native = natives.get(name)
  if (!operation || !native) throw new Error(`no native form of ${name}`)
  const value = await native(input, { signal: AbortSignal.timeout(60_000) })
  expect(checkOutput(operation, value)).toEqual({ ok: true, value })
  return value
}
/** What a value is made of, without the numbers. Of a list the first: devices come and go between two looks. */
const shape = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.slice(0, 1).map(one => Object.keys(one as object))
  if (typeof value === 'number') return 0
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, shape(one)]))
}

describe('metrics of this machine', () => {
  test.each(sampled)('%s: the shell form and the native one say the same things', async name => {
    expect(shape(await natively(name, brief))).toEqual(shape(await valueHere(name, brief)))
  })
  test.each(instant)('%s: the shell form and the native one say the same things', async name => {
    expect(shape(await natively(name))).toEqual(shape(await valueHere(name)))
  })

  test('a native sample that is cancelled ends at once', async () => {
    const stop = new AbortController()
    const sample = natives.get('metrics.cpu')?.({ windowMs: 60_000 }, { signal: stop.signal })
    stop.abort()
    await expect(sample).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('cpu has every core, and its shares add up to one', async () => {
    const cpu = await valueHere<Record<string, number> & { cores: unknown[] }>('metrics.cpu', brief)
    expect(cpu.cores).toHaveLength(cpus().length)
    const shares = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'].map(name => cpu[name] ?? 0)
    expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 2)
  })

  test('top finds a process that is busy', async () => {
    const busy = spawn('sh', ['-c', 'while :; do :; done'])
    try {
      const top = await valueHere<{ pid: number; cpu: number }[]>('metrics.top', { windowMs: 500, top: 1000 })
      expect(top.find(one => one.pid === busy.pid)?.cpu).toBeGreaterThan(0)
    } finally {
      busy.kill('SIGKILL')
    }
  })

  test('memory is that of the kernel', async () => {
    const total = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
    expect(await valueHere('metrics.memory')).toMatchObject({ totalBytes: total })
    expect(Array.isArray(await valueHere('metrics.sensors'))).toBe(true)
  })
})

describe('rates between two readings', () => {
  const at = (atMs: number, text: string) => ({ atMs, text })

  test('are per second of the time between them', () => {
    const line = (rx: number, tx: number) => `  eth0: ${rx} 10 0 0 0 0 0 0 ${tx} 20 0 0 0 0 0 0`
    expect(networkRates(at(0, line(1000, 500)), at(2000, line(5000, 500)))).toMatchObject([
      { name: 'eth0', rxBytesPerSecond: 2000, txBytesPerSecond: 0 },
    ])
  })

  test('a counter that went back, and a device that is new, count from zero', () => {
    const disk = (name: string, reads: number) => ` 254 0 ${name} ${reads} 0 8 4 0 0 0 0 0 4 4 0 0 0 0 0 0`
    expect(diskRates(at(0, disk('vda', 100)), at(1000, disk('vda', 3)))).toMatchObject([{ readsPerSecond: 0 }])
    expect(diskRates(at(0, ''), at(1000, disk('vdb', 3)))).toMatchObject([{ device: 'vdb', readsPerSecond: 0 }])
  })

  test('partitions, loops and disks that were never used are left out', () => {
    const names = ['sda', 'sda1', 'nvme0n1', 'nvme0n1p2', 'loop0', 'mmcblk0', 'mmcblk0p1', 'dm-0']
    const text = names.map(name => ` 8 0 ${name} 1 0 8 4 0 0 0 0 0 4 4`).join('\n')
    const unused = ' 8 0 sdz 0 0 0 0 0 0 0 0 0 0 0'
    expect(diskRates(at(0, text), at(1, `${text}\n${unused}`)).map(one => one.device)).toEqual([
      'dm-0',
      'mmcblk0',
      'nvme0n1',
      'sda',
    ])
  })

  test('when no time passed, the processors did nothing', () => {
    const text = 'cpu  1 2 3 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8'
    expect(cpuUse(at(0, text), at(0, text))).toMatchObject({ used: 0, cores: [{ core: 0, used: 0 }] })
  })
})
