import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { formats } from '../commands/inventory-file.ts'
import { inventoryFormats } from '../program/kit.ts'
import { problem, reops, serve, type Answer, type Asked } from '../testing.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reops-inventory-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const at = '2026-01-01T00:00:00.000Z'
const host = (n: number, more: object = {}) => ({
  id: `0193f2a4-8f00-7000-8000-00000000000${n}`,
  name: `web-${n}`,
  labels: { role: 'web', 'group/prod': 'true' },
  online: true,
  transport: 'zmq',
  state: 'enrolled',
  pid: 1,
  version: '0.1.0',
  facts: {},
  factsAt: null,
  system: null,
  generation: null,
  enrolledAt: at,
  seenAt: at,
  ...more,
})
const there = [host(1), host(2, { transport: 'ssh', ssh: { address: '10.0.0.2', user: 'admin' } })]
const mote = ({ method, path, body }: Asked): Answer | undefined => {
  if (method === 'POST' && path === '/v1/hosts') {
    const { name } = body as { name: string }
    return name === 'bad'
      ? problem(422, 'bad-ssh', '/body/ssh/user is not a user')
      : { status: 201, body: host(9, { name }) }
  }
  if (method === 'PATCH') return { body: host(1, body as object) }
  return path.startsWith('/v1/hosts') ? { body: there } : undefined
}
const run = async (words: readonly string[]) => {
  await using service = await serve(mote)
  const ended = await reops(words, { environment: { REOPS_MOTE_URL: service.url, REOPS_TOKEN: 't' } })
  return { ...ended, asked: service.asked.filter(one => one.method !== 'GET') }
}
const fileWith = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

test('what is exported is what import finds to be there already, in every format', async () => {
  expect(inventoryFormats).toEqual(formats)
  for (const format of formats) {
    const exported = await run(['inventory', 'export', '--format', format])
    expect(exported).toMatchObject({ code: 0, error: '' })
    const file = fileWith(`${format}.${format === 'ansible' ? 'ini' : 'yml'}`, exported.out)
    const again = await run(['inventory', 'import', file, ...(format.startsWith('ansible') ? ['--ansible'] : [])])
    expect(again).toMatchObject({ code: 0, error: '', asked: [] })
    expect(again.out).toContain('2 hosts · same 2')
  }
}, 120_000)

test('import says what differs, and with --change makes it so; hosts of agents get labels', async () => {
  const file = fileWith(
    'hosts.yml',
    'hosts: [{name: web-1, labels: {role: db}}, {name: web-2, address: 10.0.0.3, labels: {role: web, group/prod: true}}, {name: gone}]',
  )
  const refused = await run(['inventory', 'import', file])
  expect(refused).toMatchObject({ code: 1, asked: [] })
  expect(refused.out).toMatch(/web-1 +agent +role=db +refused: is there and differs; --change/)
  expect(refused.out).toMatch(/gone +agent +refused: it has no address, and no agent/)
  const changed = await run(['inventory', 'import', file, '--change', '--json'])
  expect(JSON.parse(changed.out)).toMatchObject([
    { name: 'web-1', state: 'changed' },
    { name: 'web-2', state: 'changed' },
    { name: 'gone', state: 'refused' },
  ])
  expect(changed.asked).toMatchObject([
    { method: 'PATCH', body: { labels: { role: 'db', 'group/prod': null } } },
    { method: 'PATCH', body: { ssh: { address: '10.0.0.3' } } },
  ])
  expect(changed.asked[1]?.body).toEqual({ ssh: { address: '10.0.0.3' } })
})

test('an Ansible inventory is shown with --dry, without asking anybody; what is left out is told on stderr', async () => {
  const file = fileWith(
    'inventory.ini',
    '[web]\nnew-[1:2] ansible_user=admin ansible_ssh_common_args="-J jump"\n[all:vars]\npassword=no\n',
  )
  const { code, out, error } = await reops(['inventory', 'import', '--ansible', file, '--dry-run'])
  expect(code).toBe(0)
  expect(out).toMatch(/new-1 +admin@new-1 +group\/web=true\n/)
  expect(error).toBe('inventory.ini: password: may be a secret, and labels are seen by many, left out\n')
  expect(await reops(['inventory', 'import', join(folder, 'none.yml')])).toMatchObject({
    code: 2,
    error: expect.stringContaining('none.yml cannot be read (ENOENT)'),
  })
  const bad = fileWith('bad.yml', '- { name: a b }')
  expect((await reops(['inventory', 'import', bad])).error).toContain('reops: bad.yml: hosts[0].name: needs letters')
})
