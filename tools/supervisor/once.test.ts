import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { hostname, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { leftOf, startSupervisor } from './testing.ts'
import { hostNameOf } from './this-machine.ts'

let state: string
beforeAll(() => {
  state = realpathSync(mkdtempSync(join(tmpdir(), 'reops-once-')))
})
afterAll(() => rmSync(state, { recursive: true, force: true }))

const rows = (said: string) => {
  const lines = said.split('\n')
  const head = lines.findIndex(text => text.trimStart().startsWith('HOST'))
  return lines.slice(head + 1, lines.indexOf('', head))
}
const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1)

test('--once shows true facts of four real hosts, leaves nothing running, and finds the same hosts again', async () => {
  const first = startSupervisor(state, '--once')
  const code = await first.ended
  expect(`${code} ${first.said()}`).toMatch(/^0 /)
  const found = rows(first.said())
  expect(found.map(row => row.trim().split(/\s+/)[0])).toEqual([hostNameOf(hostname()), 'demo-1', 'demo-2', 'demo-3'])
  const memory = Number(/MemTotal: +(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
  const disk = Number(execFileSync('df', ['-B1', '--output=size', '/'], { encoding: 'utf8' }).split('\n')[1])
  for (const row of found) for (const value of [release(), gib(memory)]) expect(row).toContain(value)
  for (const row of found) expect(row).toContain(disk / 2 ** 30 < 100 ? gib(disk) : String(Math.round(disk / 2 ** 30)))
  expect(await leftOf(state)).toEqual([])

  const folders = [
    join(state, 'hosts', 'this'),
    ...readdirSync(join(state, 'local')).map(id => join(state, 'local', id)),
  ]
  const identities = folders.flatMap(folder => {
    try {
      return [readFileSync(join(folder, 'identity.json'), 'utf8')]
    } catch {
      return [] // a folder beside the machines
    }
  })
  expect(new Set(identities.map(text => (JSON.parse(text) as { host: string }).host)).size).toBe(4)

  const second = startSupervisor(state, '--once')
  expect(`${await second.ended} ${second.said()}`).toMatch(/^0 /)
  expect(rows(second.said())).toHaveLength(4)
  expect(second.said()).toContain('online as')
  expect(await leftOf(state)).toEqual([])
}, 90_000)
