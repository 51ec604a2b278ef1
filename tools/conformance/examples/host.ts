import type { Family } from '../example.ts'
import { saying } from './scripts.ts'

export const host: Family = {
  name: 'host',
  examples: [
    { operation: 'host.boot-id' },
    {
      operation: 'host.boot-id',
      name: 'still the same boot',
      input: { not: '00000000-0000-4000-8000-000000000000', waitMs: 500 },
      ...saying('/proc/sys/kernel/random/boot_id', '00000000-0000-4000-8000-000000000000'),
      fails: { kind: 'exit', code: 124 },
    },
    { operation: 'host.reboot', name: 'dry', input: { dry: true }, gives: { changed: false, wouldChange: true } },
    {
      operation: 'host.reboot',
      name: 'not root',
      needs: ['sudo'],
      input: { become: { user: 'daemon' } },
      fails: { kind: 'exit', code: 1 },
    },
  ],
}

/** The machine goes down and comes back, once for each transport. */
export const reboot: Family = {
  name: 'reboot',
  examples: [
    {
      operation: 'host.reboot',
      input: { delaySeconds: 1 },
      gives: { changed: true, delaySeconds: 1 },
      endsMachine: true,
    },
  ],
}
