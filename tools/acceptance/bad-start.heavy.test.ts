import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startPostgres, makeLog, type EmbeddedPostgres } from '@re-ops/service'
import { program } from './testing.ts'

const programs = {
  're-mote': 'apps/re-mote/src/main.ts',
  're-core': 'apps/re-core/src/main.ts',
  supervisor: 'tools/supervisor/main.ts',
} as const
type Name = keyof typeof programs
const services = ['re-mote', 're-core'] as const
const all = [...services, 'supervisor'] as const

let folder: string
let postgres: EmbeddedPostgres
let taken: Server
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reops-bad-start-'))
  writeFileSync(join(folder, 'file'), '')
  taken = createServer(socket => socket.destroy())
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  postgres = await startPostgres({ folder: join(folder, 'other'), log: makeLog({ service: 'test', level: 'silent' }) })
}, 60_000)
afterAll(async () => {
  await postgres?.stop()
  await new Promise(resolve => taken.close(resolve))
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

const takenPort = () => (taken.address() as AddressInfo).port
const anyPorts = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0', REOPS_LOG_LEVEL: 'silent' }

/** Starts it with something bad; what it says on standard error, all of it, and its exit code. */
const start = async (name: Name, bad: Readonly<Record<string, string>>) => {
  const state = mkdtempSync(join(folder, 'state-'))
  const args = name === 'supervisor' ? ['--once'] : []
  const { code, error } = await program(programs[name], args, { REOPS_STATE: state, ...anyPorts, ...bad })
  expect(error).not.toContain('canary')
  return { code, error }
}
const oneLine = (name: Name, code: number, says: RegExp) => {
  const prefix = name === 'supervisor' ? '' : `${name}: `
  return { code, error: expect.stringMatching(new RegExp(`^${prefix}${says.source}[^\\n]*\\n$`)) }
}
/** A service says 2 for a configuration that cannot be right; the supervisor says 1 for whatever keeps it from starting. */
const badConfig = (name: Name) => (name === 'supervisor' ? 1 : 2)

describe('a state folder that cannot be written: exit code 1', () => {
  test.each(all)(
    '%s',
    async name => {
      const below = join(folder, 'file', 'state')
      const says = (path: string, code: string) =>
        oneLine(
          name,
          1,
          new RegExp(`state folder ${path} cannot be written \\(${code}\\); set .*REOPS_STATE to a folder of your own`),
        )
      expect(await start(name, { REOPS_STATE: below })).toEqual(says(below, 'ENOTDIR'))
      expect(await start(name, { REOPS_STATE: '/proc/state' })).toEqual(says('/proc/state', 'E[A-Z]+'))
    },
    60_000,
  )
})

describe('a port in use: exit code 1', () => {
  const inUse = (name: Name, variable: string) => start(name, { [variable]: String(takenPort()) })
  test.each([
    ['re-mote', 'REMOTE_PORT'],
    ['re-core', 'RECORE_PORT'],
  ] as const)(
    '%s',
    async (name, variable) => {
      const says = new RegExp(`port ${takenPort()} on 127\\.0\\.0\\.1 is in use; choose another port \\(0 = any\\)`)
      expect(await inUse(name, variable)).toEqual(oneLine(name, 1, says))
    },
    60_000,
  )

  test.each(['REMOTE_PORT', 'RECORE_PORT', 'REMOTE_BROKER_PORT'])(
    'supervisor: %s',
    async variable => {
      const says = new RegExp(`port ${takenPort()} of .*set ${variable} `)
      expect(await inUse('supervisor', variable)).toEqual(oneLine('supervisor', 1, says))
    },
    60_000,
  )
})

describe('a port that is none', () => {
  test.each(services)(
    '%s: exit code 2',
    async name => {
      const variable = name === 're-mote' ? 'REMOTE_PORT' : 'RECORE_PORT'
      for (const [text, shown] of [
        ['http', '"http"'],
        ['70000', '70000'],
      ] as const)
        expect(await start(name, { [variable]: text })).toEqual(
          oneLine(name, 2, new RegExp(`${variable}=${shown}: must be an integer 0 to 65535`)),
        )
    },
    60_000,
  )
})

describe('a wrong DATABASE_URL', () => {
  const database = (name: Name, url: string) => start(name, { DATABASE_URL: url })

  test.each(all)(
    '%s: not a URL of Postgres',
    async name => {
      for (const url of ['nonsense', 'mysql://user:canary@127.0.0.1/x'])
        expect(await database(name, url)).toEqual(
          oneLine(name, badConfig(name), /DATABASE_URL: must be (a )?postgres:\/\/.*/),
        )
    },
    60_000,
  )

  test.each(all)(
    '%s: a port where nothing listens',
    async name => {
      expect(await database(name, 'postgres://user:canary@127.0.0.1:1/x')).toEqual(
        oneLine(name, 1, /DATABASE_URL: nothing answers at 127\.0\.0\.1:1; start it or correct the URL/),
      )
    },
    60_000,
  )

  test.each(all)(
    '%s: a port where something else listens',
    async name => {
      expect(await database(name, `postgres://user:canary@127.0.0.1:${takenPort()}/x`)).toEqual(
        oneLine(
          name,
          1,
          new RegExp(`DATABASE_URL: what listens at 127\\.0\\.0\\.1:${takenPort()} .*is it Postgres\\?`),
        ),
      )
    },
    60_000,
  )

  test.each(all)(
    '%s: a host that is none',
    async name => {
      expect(await database(name, 'postgres://user:canary@no-such-host.invalid:5432/x')).toEqual(
        oneLine(name, 1, /DATABASE_URL: host no-such-host\.invalid cannot be resolved \(\w+\); correct the URL/),
      )
    },
    60_000,
  )

  test.each(all)(
    '%s: a wrong password',
    async name => {
      const url = new URL(postgres.url)
      url.password = 'canary'
      expect(await database(name, url.href)).toEqual(
        oneLine(name, 1, /DATABASE_URL: Postgres refuses: password authentication failed .*; correct DATABASE_URL/),
      )
    },
    60_000,
  )
})
