import { randomBytes } from 'node:crypto'
import { release } from 'node:os'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { must, run, type Ran } from './command.ts'
import { probeEngine } from './engine.ts'
import { ensureStandIns, standInsLack } from './stand-ins.ts'

/**
 * docker-compose.yml as a user starts it, on a real engine: images built from the bundles, published ports asked from
 * the outside with the real command. Where no registry is reached the two public images are stand-ins; set NODE_IMAGE
 * and POSTGRES_IMAGE to use others.
 */
const root = dirname(dirname(import.meta.dirname))
const node = process.execPath
const given = { node: process.env['NODE_IMAGE'], postgres: process.env['POSTGRES_IMAGE'] }
const probe = await probeEngine()
const lack = 'missing' in probe ? probe.missing : given.node && given.postgres ? null : await standInsLack()
const compose = 'engine' in probe ? probe.engine.compose : []
const suite = lack === null ? describe : describe.skip
if (lack !== null) process.stderr.write(`docker-compose.yml is not tried: ${lack}\n`)

const project = `reops-test-${randomBytes(4).toString('hex')}`
const services = ['init', 're-core', 're-mote', 're-gent']
const environment: Record<string, string> = {
  COMPOSE_PROJECT_NAME: project,
  COMPOSE_DOCKER_CLI_BUILD: '0',
  DOCKER_BUILDKIT: '0',
  REOPS_TAG: project,
  REOPS_CORE_PORT: '0',
  REOPS_MOTE_PORT: '0',
}

const composed = (...args: string[]): Promise<string> =>
  must([...compose, ...args], { cwd: root, environment, timeoutMs: 240_000 })

/** The address a port is published at now; it is another one after each start. */
const published = async (service: string, port: number): Promise<string> =>
  `http://${(await composed('port', service, String(port))).trim()}`

let token = ''
const reops = async (...args: string[]): Promise<Ran> =>
  run([node, 'apps/reops/src/main.ts', ...args], {
    cwd: root,
    environment: {
      REOPS_CORE_URL: await published('re-core', 7010),
      REOPS_MOTE_URL: await published('re-mote', 7020),
      REOPS_TOKEN: token,
    },
    timeoutMs: 90_000,
  })

/** Polls until `check` gives a value; says what it saw last when the time is over. */
const until = async <T>(what: string, timeoutMs: number, check: () => Promise<T | string>): Promise<T> => {
  const end = Date.now() + timeoutMs
  for (;;) {
    const seen = await check()
    if (typeof seen !== 'string') return seen
    if (Date.now() > end) throw new Error(`${what}: not within ${timeoutMs} ms; last seen: ${seen}`)
    await pause(250)
  }
}

const containers = async (): Promise<string[]> =>
  (await must(['docker', 'ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`]))
    .split('\n')
    .filter(id => id !== '')

const healthy = (service: string) =>
  until(`${service} healthy`, 90_000, async () => {
    const [id = ''] = (await composed('ps', '--quiet', service)).trim().split('\n')
    const health = await must(['docker', 'inspect', '--format', '{{.State.Health.Status}}', id])
    return health.trim() === 'healthy' ? true : health.trim()
  })

type HostRow = { id: string; name: string; labels: Record<string, string>; online: boolean; pid: number | null }
const hostsOnline = () =>
  until('two hosts online', 60_000, async () => {
    const { code, stdout, stderr } = await reops('hosts', '--json')
    if (code !== 0) return `exit ${code}: ${stderr.trim()}`
    const hosts = (JSON.parse(stdout) as HostRow[]).sort((a, b) => a.name.localeCompare(b.name))
    return hosts.length === 2 && hosts.every(host => host.online) ? hosts : stdout
  })

type Line = { host?: string; ok?: boolean; value?: { kernel?: string }; summary?: Record<string, unknown> }
const facts = async (): Promise<Line[]> => {
  const { code, stdout, stderr } = await reops('run', 'facts', '--json', '--on', '*')
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Line)
}
const expectFactsOfBoth = (lines: readonly Line[]): void => {
  const results = lines.filter(line => line.host !== undefined)
  expect(results.map(line => String(line.host)).sort((a, b) => a.localeCompare(b))).toEqual(['host-1', 'host-2'])
  for (const line of results) {
    expect(line.ok).toBe(true)
    expect(JSON.stringify(line.value)).toContain(release()) // containers share this machine's kernel
  }
  expect(lines.at(-1)?.summary).toMatchObject({ expected: 2, ok: 2, failed: 0 })
}

suite('docker-compose.yml', () => {
  beforeAll(async () => {
    await must([node, 'tools/bundle/main.ts', ...services], { cwd: root })
    const standIns = given.node && given.postgres ? given : await ensureStandIns()
    environment['NODE_IMAGE'] = standIns.node as string
    environment['POSTGRES_IMAGE'] = standIns.postgres as string
    await composed('build')
    await composed('up', '--detach', '--no-build')
    token = (await composed('run', '--rm', '--no-deps', '-T', 'keys', 'token')).trim()
    for (const service of ['re-mote', 're-core', 'host-1', 'host-2']) await healthy(service)
  }, 420_000)

  afterAll(async () => {
    await composed('down', '--volumes', '--remove-orphans')
    expect(await containers()).toEqual([])
    await run(['docker', 'rmi', ...services.map(name => `re-ops/${name}:${project}`)])
  }, 120_000)

  test('both hosts enrol with their join tokens and give their facts', async () => {
    const hosts = await hostsOnline()
    expect(hosts.map(host => [host.name, host.labels['role']])).toEqual([
      ['host-1', 'web'],
      ['host-2', 'db'],
    ])
    expectFactsOfBoth(await facts())
  }, 120_000)

  test('re-core makes a machine that calls home', async () => {
    const created = await reops('systems', 'create', '--name', 'demo', '--wait', '--json')
    expect({ code: created.code, stderr: created.code === 0 ? '' : created.stderr }).toEqual({ code: 0, stderr: '' })
    const systems = JSON.parse((await reops('systems', 'list', '--json')).stdout) as { name: string; phase: string }[]
    expect(systems).toMatchObject([{ name: 'demo', phase: 'ready' }])
    expect((await reops('systems', 'destroy', 'demo', '--yes', '--wait')).code).toBe(0)
  }, 120_000)

  test('after a restart of re-mote the same hosts answer', async () => {
    const before = await hostsOnline()
    await composed('restart', 're-mote')
    await healthy('re-mote')
    const after = await hostsOnline()
    expect(after.map(host => host.id)).toEqual(before.map(host => host.id))
    expectFactsOfBoth(await facts())
  }, 180_000)

  test('no secret is in a container’s description or in a log', async () => {
    const read = (service: string, path: string) => composed('exec', '-T', service, 'cat', path)
    const secrets = [
      token,
      await read('re-core', '/keys/database-url'),
      await read('re-mote', '/keys/database-url'),
      await read('re-mote', '/keys/master.key'),
      await read('host-1', '/keys/token'),
    ].map(text => (/:\/\/[^:]+:([^@]+)@/.exec(text)?.[1] ?? text).trim())
    const shown = (await must(['docker', 'inspect', ...(await containers())])) + (await composed('logs', '--no-color'))
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20)
      expect(shown.includes(secret)).toBe(false)
    }
  }, 60_000)

  test('hosts do not reach the database, and services are not root', async () => {
    const dial = `require('node:net').connect(5432, 'postgres').on('connect', () => process.exit(0)).on('error', () => process.exit(9))`
    const dialled = await run([...compose, 'exec', '-T', 'host-1', 'node', '-e', dial], { cwd: root, environment })
    expect(dialled.code).toBe(9)
    for (const service of ['re-core', 're-mote', 'host-1'])
      expect((await composed('exec', '-T', service, 'id', '-u')).trim()).toBe('1000')
  }, 60_000)
})
