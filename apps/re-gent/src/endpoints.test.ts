import { expect, test } from '@jest/globals'
import { endpointsFor } from './endpoints.ts'

test('a broker on the loopback of another machine is looked for where re-mote is, and then where it said', () => {
  expect(endpointsFor(['tcp://127.0.0.1:7022'], 'http://10.0.2.2:7020')).toEqual([
    'tcp://10.0.2.2:7022',
    'tcp://127.0.0.1:7022',
  ])
  expect(endpointsFor(['tcp://0.0.0.0:7022', 'tcp://[::1]:7'], 'https://mote.example')).toEqual([
    'tcp://mote.example:7022',
    'tcp://mote.example:7',
    'tcp://0.0.0.0:7022',
    'tcp://[::1]:7',
  ])
})

test('what is named for others, and all on the same machine, stays as it is', () => {
  const far = ['tcp://mote.example:7022']
  expect(endpointsFor(far, 'http://10.0.2.2:7020')).toEqual(far)
  const near = ['tcp://127.0.0.1:7022']
  expect(endpointsFor(near, 'http://127.0.0.1:7020')).toEqual(near)
  expect(endpointsFor(near, undefined)).toEqual(near)
})
