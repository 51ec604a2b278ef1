import type { Family } from '../example.ts'
import { without } from './scripts.ts'

const back = 'hostname conformance; echo conformance >/etc/hostname'
const key = 'net.ipv4.ip_default_ttl'
const kept = 'rm -f /etc/sysctl.d/60-re-ops.conf; echo 64 >/proc/sys/net/ipv4/ip_default_ttl'
const exit = { kind: 'exit', code: 1 } as const

export const system: Family = {
  name: 'system',
  examples: [
    { operation: 'host.id' },
    { operation: 'host.id', name: 'no cat', ...without('cat'), fails: { kind: 'exit' } },
    { operation: 'hostname.get', gives: { hostname: 'conformance' } },
    { operation: 'hostname.get', name: 'no uname', ...without('uname'), fails: { kind: 'exit' } },
    { operation: 'hostname.set', input: { name: 'other' }, setUp: back, cleanUp: back, gives: { changed: true } },
    { operation: 'hostname.set', name: 'dry', input: { name: 'other', dry: true }, gives: { wouldChange: true } },
    {
      operation: 'hostname.set',
      name: 'not root',
      needs: ['sudo'],
      input: { name: 'other', become: { user: 'daemon' } },
      cleanUp: back,
      fails: { kind: 'exit' },
    },
    { operation: 'kernel.modules' },
    { operation: 'locale.get' },
    {
      operation: 'sysctl.get',
      input: { keys: ['kernel.ostype', key] },
      gives: [{ key: 'kernel.ostype', value: 'Linux' }],
    },
    { operation: 'sysctl.get', name: 'no such setting', input: { keys: ['vm.none'] }, fails: exit },
    { operation: 'sysctl.set', input: { key, value: '63' }, setUp: kept, cleanUp: kept, gives: { changed: true } },
    {
      operation: 'sysctl.set',
      name: 'what the kernel refuses',
      input: { key, value: 'many' },
      setUp: kept,
      cleanUp: kept,
      fails: { kind: 'exit' },
    },
    { operation: 'time' },
    { operation: 'time', name: 'no date', ...without('date'), fails: { kind: 'exit' } },
  ],
}
