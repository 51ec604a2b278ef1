import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { choosePorts, endpointsFrom } from './ports.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'reops-ports-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const any = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0' }

test('the known ports are used unless the environment says otherwise', () => {
  const { mote, core, broker } = endpointsFrom({ RECORE_PORT: '8010', REMOTE_HOST: '0.0.0.0' })
  expect([mote, core.port, broker.port]).toEqual([{ host: '0.0.0.0', port: 7020 }, 8010, 7022])
})

test.each(['x', '-1', '65536', '1.5'])('a port that is none (%s) is refused, naming the variable', text => {
  expect(() => endpointsFrom({ REMOTE_PORT: text })).toThrow(/^REMOTE_PORT is .*; allowed: 0/)
})

test('any free ports are four different ones, and the same again for the same folder', async () => {
  const first = await choosePorts(state, endpointsFrom(any))
  expect(new Set(Object.values(first)).size).toBe(4)
  expect(await choosePorts(state, endpointsFrom(any))).toEqual(first)
})

test.each([
  ['REMOTE_PORT', 're-mote'],
  ['RECORE_PORT', 're-core'],
  ['REMOTE_BROKER_PORT', 'broker'],
])('a port in use is named with the variable that moves it: %s', async (variable, what) => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const choosing = choosePorts(state, endpointsFrom({ ...any, [variable]: String(port) }))
    await expect(choosing).rejects.toThrow(new RegExp(`^port ${port} of .*${what}.* is in use .*set ${variable}`))
  } finally {
    await new Promise(resolve => server.close(resolve))
  }
})
