import type { Example, Family } from '../example.ts'
import { saying } from './scripts.ts'

const windowMs = 100
/** Each reads a file of the kernel: the native form and the shell form must fail alike when it says nothing. */
const read = (operation: string, path: string, input: object = {}): Example[] => [
  { operation, input },
  { operation, name: 'nothing to read', input, ...saying(path), fails: { kind: 'invalid' } },
]
/** Not every kernel has the folder, and in /sys none can be made: the whole of /sys/class is another one meanwhile. */
const sensors = `rm -rf class; mkdir -p class/hwmon/hwmon0; cd class/hwmon/hwmon0
echo coretemp >name; echo 42000 >temp1_input; echo Core >temp1_label; echo 90000 >temp1_max; echo 1200 >fan1_input
mount --bind /scratch/class /sys/class`
const chips = { setUp: sensors, cleanUp: 'umount /sys/class' }

export const metrics: Family = {
  name: 'metrics',
  examples: [
    ...read('metrics.cpu', '/proc/stat', { windowMs }),
    ...read('metrics.disk', '/proc/diskstats', { windowMs }).slice(0, 1),
    ...read('metrics.network', '/proc/net/dev', { windowMs }).slice(0, 1),
    ...read('metrics.memory', '/proc/meminfo'),
    ...read('metrics.load', '/proc/loadavg'),
    ...read('metrics.entropy', '/proc/sys/kernel/random/entropy_avail').map(one => ({
      ...one,
      ownWords: true as const,
    })),
    { operation: 'metrics.top', input: { windowMs, top: 3 } },
    { operation: 'metrics.sensors', name: 'as this machine has them' },
    { operation: 'metrics.sensors', name: 'a chip', ...chips, gives: [{ label: 'Core', value: 42 }] },
    { operation: 'sensors.read', name: 'lm-sensors', needs: ['sensors'], ...chips },
    { operation: 'sensors.read', name: 'lm-sensors, none', needs: ['sensors'], fails: { kind: 'exit', code: 1 } },
  ],
}
