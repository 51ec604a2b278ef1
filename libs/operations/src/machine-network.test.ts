import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { runHere, valueHere } from './testing.ts'

const value = valueHere
const failure = async (name: string, input: unknown) => {
  const { result } = await runHere(name, input)
  if (result.ok) throw new Error(`${name} was ok`)
  return result.failure
}
const listening = (server: Server): Promise<number> =>
  new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))

describe('the network of this machine', () => {
  const http = createHttp((request, response) => {
    response.statusCode = request.url === '/' ? 200 : 404
    response.end('hello')
  })
  const tcp = createServer(socket => socket.end())
  const folder = mkdtempSync(join(tmpdir(), 'reops-network-'))
  let web = 0
  let port = 0
  beforeAll(async () => {
    web = await listening(http)
    port = await listening(tcp)
  })
  afterAll(() => {
    http.close()
    tcp.close()
    rmSync(folder, { recursive: true })
  })

  test('interfaces have the addresses, MACs and MTU that the kernel says', async () => {
    type Interface = { name: string; mac?: string; mtu: number; addresses: string[] }
    const found = await value<Interface[]>('network.interfaces')
    for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
      const one = found.find(each => each.name === name)
      if (name !== 'lo' && !one) continue // it came up after the look
      expect(one?.addresses).toEqual(expect.arrayContaining(addresses.map(({ cidr }) => cidr)))
      expect(one?.mtu).toBe(Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8')))
      if (name !== 'lo') expect(one?.mac).toBe(addresses[0]?.mac)
    }
    expect(found.map(one => one.name)).toContain('lo')
  })

  test('routes: one for each of the kernel’s table of IPv4', async () => {
    const routes = await value<{ family: number; device?: string }[]>('network.routes')
    const kernel = readFileSync('/proc/net/route', 'utf8').trim().split('\n').slice(1)
    expect(routes.filter(one => one.family === 4)).toHaveLength(kernel.length)
    expect(Array.isArray(await value('network.neighbours'))).toBe(true)
  })

  test('port.list knows this process by its open port, and network.connections counts it', async () => {
    const ports = await value<{ port: number; pid?: number; address: string; protocol: string }[]>('port.list')
    expect(ports.find(one => one.port === port)).toMatchObject({
      protocol: 'tcp',
      address: '127.0.0.1',
      pid: process.pid,
    })
    expect((await value<{ listen: number }>('network.connections')).listen).toBeGreaterThanOrEqual(2)
  })

  test('resolve, port and http say what is reached and why not', async () => {
    expect(await value('network.resolve', { name: 'localhost' })).toMatchObject({
      found: true,
      addresses: expect.arrayContaining(['127.0.0.1']),
    })
    expect(await value('network.resolve', { name: 'no-such.invalid' })).toEqual({ found: false, addresses: [] })
    expect(await value('network.port', { host: '127.0.0.1', port })).toMatchObject({ open: true })
    expect(await value('network.port', { host: '127.0.0.1', port: 1 })).toMatchObject({
      open: false,
      reason: 'refused',
    })
    expect(await value('network.http', { url: `http://127.0.0.1:${web}/` })).toMatchObject({ status: 200, bytes: 5 })
    expect(await value('network.http', { url: `http://127.0.0.1:${web}/x`, method: 'HEAD' })).toMatchObject({
      status: 404,
    })
    expect(await value('network.http', { url: 'http://127.0.0.1:1/' })).toMatchObject({
      answered: false,
      reason: 'refused',
    })
  })

  test('waiting ends at once when it is so, and with 124 and a reason when it is not in time', async () => {
    const path = join(folder, `it's "ready"`)
    writeFileSync(path, 'state: up $(id)\n')
    expect(await value('wait.file', { path, contains: 'up $(id)' })).toMatchObject({ tries: 1 })
    expect(await value('wait.port', { port })).toMatchObject({ tries: 1 })
    expect(await value('wait.http', { url: `http://127.0.0.1:${web}/x`, status: 404 })).toMatchObject({ tries: 1 })
    const brief = { timeoutMs: 30, intervalMs: 10 }
    expect(await failure('wait.file', { path, state: 'absent', ...brief })).toMatchObject({ kind: 'exit', code: 124 })
    expect(await failure('wait.port', { port: 1, ...brief })).toMatchObject({
      message: expect.stringContaining('refused'),
    })
    expect(await failure('wait.http', { url: `http://127.0.0.1:${web}/x`, ...brief })).toMatchObject({
      message: expect.stringContaining('it answered 404'),
    })
    expect(await failure('wait.process', { name: 'no-such-program', ...brief })).toMatchObject({ code: 124 })
  })

  test('waiting sees what happens while it waits', async () => {
    const path = join(folder, 'late')
    const waited = value<{ tries: number }>('wait.file', { path, intervalMs: 10 })
    await value('wait.file', { path: folder }) // a whole look by another process has passed before the file is made
    writeFileSync(path, '')
    expect((await waited).tries).toBeGreaterThanOrEqual(1)
  })
})
