import type { Family } from '../example.ts'
import { running, stopping } from './scripts.ts'

export const processes: Family = {
  name: 'process',
  // One that runs on: its id is the same for both transports.
  setUp: running('reops-sleeper', 'sleep 424242'),
  cleanUp: stopping('reops-sleeper'),
  examples: [
    { operation: 'process.list', gives: [{ pid: 1 }, { command: '/usr/bin/sleep 424242' }] },
    { operation: 'process.tree', input: { pid: 1 }, gives: [{ pid: 1, depth: 0 }] },
    { operation: 'process.tree', name: 'no such process', input: { pid: 4_194_303 } },
    { operation: 'process.signal', input: { pattern: 'sleep 42424[2]$', signal: 'CONT' }, gives: { changed: true } },
    {
      operation: 'process.signal',
      name: 'none matches',
      input: { pattern: 'reops-[n]one' },
      gives: { changed: false },
    },
    {
      operation: 'process.signal',
      name: 'of another user',
      needs: ['sudo'],
      input: { pattern: 'sleep 42424[2]$', signal: 'CONT', become: { user: 'daemon' } },
      fails: { kind: 'exit', code: 1 },
    },
  ],
}
