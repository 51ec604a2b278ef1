import { expect, test } from '@jest/globals'
import type { Host, System } from '@re-ops/protocols'
import { sshArguments } from './arguments.ts'
import { sshTargetOf, type Known } from './target.ts'

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB'
const host = (more: Partial<Host>): Host => ({ id: 'h1', name: 'web-1', facts: {}, ...more }) as Host
const system = (more: Partial<System>): System =>
  ({
    id: 's1',
    name: 'web-1',
    provider: 'ec2',
    image: 'debian-12',
    phase: 'ready',
    reason: null,
    ref: 'i-1',
    addresses: [],
    address: null,
    ...more,
  }) as System
const known = (more: Partial<Known>): Known => ({ system: null, host: null, images: {}, hosts: new Map(), ...more })
const where = { knownHosts: '/known', command: [] }
const wordsOf = (of: Known, wish = {}) => sshArguments(sshTargetOf('web-1', of), wish, where).join(' ')

test('a system is reached by its address, as the user of its image, under a name that no later machine has', () => {
  const images = { 'debian-12': { on: { ec2: 'debian-12' }, users: { ec2: 'admin' } } }
  const of = known({ system: system({ address: '203.0.113.7' }), host: host({}), images })
  expect(wordsOf(of)).toBe(
    '-o HostKeyAlias=re-ops-h1 -o UserKnownHostsFile=/known -o StrictHostKeyChecking=accept-new -l admin 203.0.113.7',
  )
  expect(wordsOf({ ...of, images: {} }, { user: 'me', port: '2222', identity: ['k'], option: ['A=b'] })).toBe(
    '-o A=b -o HostKeyAlias=re-ops-h1 -o UserKnownHostsFile=/known -o StrictHostKeyChecking=accept-new -i k -p 2222 -l me 203.0.113.7',
  )
})

test('keys that its agent told are the only ones', () => {
  const of = known({ host: host({ addresses: ['10.0.0.7'], facts: { sshKeys: [key, 'nonsense\n* ssh-rsa AA'] } }) })
  const target = sshTargetOf('web-1', of)
  expect(target.hostKeys).toEqual([key])
  expect(wordsOf(of)).toContain(
    'HostKeyAlias=re-ops-h1 -o UserKnownHostsFile=/known -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes',
  )
})

test('a host of the inventory is reached as re-mote reaches it, through its jumps', () => {
  const far = host({ ssh: { address: 'fd00::7', port: 2222, user: 'ops', jump: 'near' }, hostKeys: [key] })
  const near = host({ name: 'near', ssh: { address: 'near.example', user: 'hop', jump: 'edge' } })
  const edge = host({ name: 'edge', ssh: { address: '198.51.100.1', port: 22022 } })
  const hosts = new Map([
    ['near', near],
    ['edge', edge],
  ])
  expect(wordsOf(known({ host: far, hosts }))).toBe(
    '-o HostKeyAlias=re-ops-h1 -o UserKnownHostsFile=/known -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -J 198.51.100.1:22022,hop@near.example -p 2222 -l ops fd00::7',
  )
  expect(wordsOf(known({ host: host({ ssh: { address: 'a' } }) }))).toBe('-l root a')
  const circle = new Map([['near', { ...near, ssh: { address: 'a', jump: 'near' } }]])
  expect(() => wordsOf(known({ host: far, hosts: circle }))).toThrow('in a circle')
})

test.each([
  [known({ system: system({ phase: 'booting' }) }), 'web-1 has no address yet: it is booting'],
  [
    known({ system: system({ addresses: [{ address: '10.0.2.15', scope: 'inside', from: 'agent' }] }) }),
    'nothing reaches web-1: its network lets out only',
  ],
  [known({ host: host({}) }), 'no address of web-1 is known'],
])('without an address it is said why', (of, why) => {
  expect(() => sshTargetOf('web-1', of)).toThrow(why)
})
