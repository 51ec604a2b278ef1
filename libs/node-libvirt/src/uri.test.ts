import { expect, test } from '@jest/globals'
import { parseUri, UriError } from './uri.ts'

const places = { systemSocket: '/system', sessionSocket: '/session' }
const ssh = { kind: 'ssh', user: null, port: null, keyFile: null, command: 'ssh' }

test.each([
  ['qemu:///system', { driver: 'qemu:///system', via: { kind: 'unix', path: '/system' } }],
  ['qemu:///session', { driver: 'qemu:///session', via: { kind: 'unix', path: '/session' } }],
  ['test:///default?socket=/a%20b', { driver: 'test:///default', via: { kind: 'unix', path: '/a b' } }],
  ['qemu+unix:///system', { driver: 'qemu:///system', via: { kind: 'unix', path: '/system' } }],
  ['qemu+ssh://box/system', { driver: 'qemu:///system', via: { ...ssh, host: 'box' } }],
  [
    'qemu+ssh://ops@[fe80::1]:2222/system?keyfile=/k&command=/usr/bin/ssh',
    {
      driver: 'qemu:///system',
      via: { kind: 'ssh', host: 'fe80::1', user: 'ops', port: 2_222, keyFile: '/k', command: '/usr/bin/ssh' },
    },
  ],
])('%s', (uri, target) => {
  expect(parseUri(uri, places)).toEqual(target)
})

test.each([
  ['nonsense', 'is not a libvirt URI'],
  ['qemu://box/system', 'transport tls is not spoken'],
  ['qemu+tcp://box/system', 'transport tcp is not spoken'],
  ['qemu+unix://box/system', 'a unix socket is on this host'],
  ['qemu+ssh:///system', 'ssh needs user@host:port'],
  ['qemu+ssh://-oProxyCommand=x/system', 'ssh needs user@host:port'],
  ['qemu:///system?sockt=/a', '?sockt= is not known; known are socket, keyfile, command'],
])('%s is refused: %s', (uri, why) => {
  expect(() => parseUri(uri, places)).toThrow(UriError)
  expect(() => parseUri(uri, places)).toThrow(why)
})

test.each([
  'ops:canary@box',
  'qemu+ssh://ops:canary@box:port/system',
  'qemu+tcp://ops:canary@box/system',
  'qemu+ssh://ops:can@canary@box/system',
  'qemu:///system?password=canary',
  'qemu+ssh:///system?keyfile=/canary',
])('no error tells the password of %s', uri => {
  expect(() => parseUri(uri, places)).toThrow(/^(?!.*canary)/s)
})
