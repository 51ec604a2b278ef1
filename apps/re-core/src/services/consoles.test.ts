import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId, type MachineConsole, type Provider } from '@re-ops/protocols'
import { listen, makeLog } from '@re-ops/service'
import { testDatabase, type TestDatabase } from '../testing/database.ts'
import { testCipher } from '../testing/standard.ts'
import { makeWorld, type World } from '../testing/world.ts'
import { consoleChannel, makeConsoleMail } from './console-mail.ts'
import { makeConsoles } from './consoles.ts'

const key = randomBytes(32)
const payloads: string[] = []
let database: TestDatabase
let world: World
const closing: (() => Promise<void>)[] = []
beforeAll(async () => {
  database = await testDatabase()
  world = await makeWorld(await database.fresh())
})
afterAll(async () => {
  for (const close of closing) await close()
  await world.stop()
  await database.stop()
})

const typed: Buffer[] = []
const machine: MachineConsole = {
  output: (async function* () {})(),
  write: async bytes => void typed.push(Buffer.from(bytes)),
  close: () => {},
}

/** What one replica has of consoles, at the same Postgres as the others. */
const replica = async () => {
  const mail = makeConsoleMail({
    pool: world.pool,
    cipher: testCipher(key),
    onError: error => {
      throw error
    },
  })
  const provider: Provider = { ...world.local(), console: async () => machine }
  const consoles = makeConsoles({ ...world.services(provider), mail })
  await new Promise<void>(resolve => {
    const onNotify = (_channel: string, payload: string) => {
      payloads.push(payload)
      mail.onNotify(payload)
    }
    const onConnect = () => {
      mail.onConnect()
      resolve()
    }
    const log = makeLog({ service: 'test', level: 'silent' })
    const listener = listen({ url: world.url, channels: [consoleChannel], onNotify, onConnect, log })
    closing.push(() => listener.close())
  })
  return consoles
}

test('what is typed reaches the console from any replica, in order, unread by who listens', async () => {
  const [holder, other] = [await replica(), await replica()]
  const id = await world.create('one', () => {}, { ref: newId(), phase: 'ready', nextAt: null })
  const opened = await holder.open(id, { force: false, subject: 'ann' })
  const type = (bytes: Buffer, subject = 'ann', console = opened.id) =>
    other.type(id, console, { data: bytes.toString('base64'), subject })
  const long = randomBytes(9_000)
  await type(Buffer.from('password\r'))
  await type(long)
  expect(Buffer.concat(typed)).toEqual(Buffer.concat([Buffer.from('password\r'), long]))
  expect(Math.max(...payloads.map(one => one.length))).toBeLessThan(8_000)
  const hidden = [Buffer.from('password\r').toString('base64'), 'password']
  expect(payloads.filter(one => hidden.some(word => one.includes(word)))).toHaveLength(0)
  await expect(type(long, 'bob')).rejects.toMatchObject({ status: 404, kind: 'no-such-console' })
  opened.close()
  await expect(type(long)).rejects.toMatchObject({ status: 404, kind: 'no-such-console' })
  expect(Buffer.concat(typed)).toHaveLength('password\r'.length + long.length)
})
