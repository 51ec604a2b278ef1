import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { makeLog, startPostgres, type EmbeddedPostgres } from '@re-ops/service'
import { makeWorld, type World } from '../testing/world.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let folder = ''
let postgres: EmbeddedPostgres
let world: World
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  postgres = await startPostgres({ folder: join(folder, 'postgres'), log })
  world = await makeWorld(postgres.url)
})
afterEach(async () => {
  await world.stop()
  await postgres.stop()
  await rm(folder, { recursive: true, force: true })
})

test('Postgres killed (-9) between the create call and saving what it answered: one machine, then none', async () => {
  let killed = false
  await world.startOne({
    at: async point => {
      if (point !== 'create.answered' || killed) return
      killed = true
      process.kill(postgres.pid, 'SIGKILL')
      await postgres.exited
    },
  })
  const id = await world.create('one')
  await world.until('Postgres was killed', async () => killed)
  await postgres.exited
  expect(await world.running()).toHaveLength(1)
  postgres = await startPostgres({ folder: join(folder, 'postgres'), log, port: postgres.port })
  const { ref } = await world.phase(id, 'ready', 25_000)
  expect(await world.running()).toEqual([ref])
  await world.ask(id, 'destroy')
  await world.phase(id, 'gone')
  expect(await world.running()).toEqual([])
}, 60_000)
