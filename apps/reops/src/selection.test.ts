import { describe, expect, test } from '@jest/globals'
import { reops, serve, type Answer, type Asked } from './testing.ts'

const id = (n: number) => `0193f2a4-8f00-7000-8000-00000000000${n}`
const at = '2026-01-01T00:00:00.000Z'
const host = (n: number, more: object = {}) => ({
  id: id(n),
  name: `web-${n}`,
  labels: { role: 'web' },
  online: n !== 2,
  transport: 'zmq',
  state: 'enrolled',
  pid: 100 + n,
  version: n === 1 ? '0.1.0' : '0.0.9',
  facts: { os: { id: 'debian' }, addresses: ['10.0.0.1', 'fd00::1'], memory: { totalBytes: 2 ** 31 } },
  factsAt: at,
  system: null,
  generation: null,
  enrolledAt: at,
  seenAt: at,
  ...more,
})
const environmentOf = (url: string) => ({ REOPS_MOTE_URL: url, REOPS_TOKEN: 't' })
const runWith = async (words: readonly string[], answers: (asked: Asked) => Answer | undefined) => {
  await using service = await serve(answers)
  const ended = await reops(words, { environment: environmentOf(service.url) })
  return { ...ended, asked: service.asked }
}
const hostsAnd = (more: (asked: Asked) => Answer | undefined) => (asked: Asked) =>
  more(asked) ?? (asked.path.startsWith('/v1/hosts') ? { body: [host(1), host(2), host(3)] } : undefined)

describe('hosts', () => {
  test('show the version of their agents', async () => {
    const { out } = await runWith(
      ['hosts'],
      hostsAnd(() => undefined),
    )
    expect(out.split('\n').slice(0, 3).map(line => line.split(/ {2,}/).slice(0, 4))).toEqual([
      ['HOST', 'STATE', 'TRANSPORT', 'VERSION'],
      ['web-1', 'online', 'zmq', '0.1.0'],
      ['web-2', 'offline', 'zmq', '0.0.9'],
    ]) // prettier-ignore
  })

  test('show tells facts by the paths that select them', async () => {
    const one = (asked: Asked) => (asked.path === `/v1/hosts/${id(1)}` ? { body: host(1) } : undefined)
    const { out, code } = await runWith(['hosts', 'show', 'web-1'], hostsAnd(one))
    expect(code).toBe(0)
    const lines = out.split('\n').map(line => line.trim().split(/ {2,}/))
    for (const line of [
      ['id', id(1)],
      ['agent', '0.1.0, pid 101'],
      ['labels', 'role=web'],
      ['fact:os.id', 'debian'],
      ['fact:addresses', '10.0.0.1, fd00::1'],
      ['fact:memory.totalBytes', '2.0 GiB'],
    ])
      expect(lines).toContainEqual(line)
    expect(
      (
        await runWith(
          ['hosts', 'show', 'nope'],
          hostsAnd(() => undefined),
        )
      ).error,
    ).toContain('no host is called nope')
  })

  test('rename and label change one host, or all that a selector picks', async () => {
    const patched = hostsAnd(({ method, path, body }) =>
      method === 'PATCH' ? { body: host(Number(path.at(-1)), body as object) } : undefined,
    )
    const renamed = await runWith(['hosts', 'rename', 'web-1', 'db-1'], patched)
    expect(renamed).toMatchObject({ code: 0, out: 'web-1  is now db-1\n' })
    expect(renamed.asked.at(-1)).toMatchObject({ method: 'PATCH', path: `/v1/hosts/${id(1)}`, body: { name: 'db-1' } })
    const one = await runWith(['hosts', 'label', 'web-2', 'role=db', 'env-'], patched)
    expect(one.asked.at(-1)).toMatchObject({ path: `/v1/hosts/${id(2)}`, body: { labels: { role: 'db', env: null } } })
    const all = await runWith(['hosts', 'label', '--on', 'web-*', 'role=x', '--json'], patched)
    expect(all.asked.map(one => one.path)).toEqual(['/v1/hosts?on=web-*', ...[1, 2, 3].map(n => `/v1/hosts/${id(n)}`)])
    expect(JSON.parse(all.out)).toHaveLength(3)
  })

  test.each([
    [['hosts', 'label', 'web-1'], 'which labels?'],
    [['hosts', 'label', 'web-1', 'role'], '`role` is neither key=value'],
    [['hosts', 'label', 'web-1', 'a=1', 'a-'], 'label `a` is given twice'],
    [['hosts', 'rename', 'web-7', 'x'], 'no host is called web-7'],
    [['selectors', 'save', '1x', '*'], '`1x` is not a name'],
    [['run', 'ping', '--on', '*', '--wait-online', '5'], '--wait-online: `5` is not a duration'],
    [['run', 'ping', '--on', '*', '--group-by', ''], '--group-by: which field?'],
    [['systems', 'list', '--on', '@web'], '@web: saved selectors pick hosts'],
  ])('%j is wrong usage', async (words, why) => {
    const answers = hostsAnd(({ path }) =>
      path === '/v1/systems' ? { body: [{ ...host(1), phase: 'ready', phases: [] }] } : undefined,
    )
    await using service = await serve(answers)
    const environment = { ...environmentOf(service.url), REOPS_CORE_URL: service.url }
    const ended = await reops(words, { environment })
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(ended.error).toContain(why)
  })
})

describe('selectors', () => {
  const saved = { name: 'web', on: 'role=web', doc: 'the web', savedBy: 'me', savedAt: at }

  test('are listed, saved and removed', async () => {
    const listed = await runWith(['selectors'], () => ({ body: [saved] }))
    expect(listed.out).toMatch(/^NAME +SELECTOR +WHAT FOR +SAVED BY +WHEN\n@web +role=web +the web +me +/)
    const put = await runWith(['selectors', 'save', '@web', 'role=web', '--doc', 'the web'], () => ({ body: saved }))
    expect(put).toMatchObject({ code: 0, out: '@web  role=web\n' })
    expect(put.asked).toMatchObject([
      { method: 'PUT', path: '/v1/selectors/web', body: { on: 'role=web', doc: 'the web' } },
    ])
    const removed = await runWith(['selectors', 'remove', 'web', '--json'], () => ({ body: saved }))
    expect(JSON.parse(removed.out)).toEqual({ name: 'web', removed: true })
    expect(removed.asked).toMatchObject([{ method: 'DELETE', path: '/v1/selectors/web' }])
  })

  test('that are wrong are told as the service tells it, exit 2', async () => {
    const detail = 'selector, character 5: `@x` leads back to itself: @x -> @x'
    const body = { type: 'about:blank#bad-selector', title: 'Bad selector', status: 400, detail }
    expect(await runWith(['selectors', 'save', 'x', 'not @x'], () => ({ status: 400, body }))).toMatchObject({
      code: 2,
      error: `reops: ${detail}\n`,
    })
  })
})

describe('results taken together', () => {
  const memory = (n: number, used: number) => ({
    host: { id: id(n), name: `web-${n}` },
    state: 'ok',
    step: 'memory',
    ms: 3,
    value: { totalBytes: 2 ** 30, availableBytes: 2 ** 29, used },
  })
  const facts = (n: number) => ({
    host: { id: id(n), name: `web-${n}` },
    state: 'ok',
    step: 'facts',
    ms: 3,
    value: { os: { id: n === 3 ? 'alpine' : 'debian' }, cpu: { count: n } },
  })
  const lost = {
    host: { id: id(4), name: 'web-4' },
    state: 'lost',
    step: 'memory',
    ms: 9,
    failure: { kind: 'lost', message: 'no answer within its limit', step: 'memory', started: 'unknown' },
  }
  const targets = [memory(1, 0.25), memory(2, 0.5), memory(3, 0.75), lost]
  const summary = { run: id(9), expected: 4, ok: 3, failed: 1, failures: { lost: 1 } }
  const run = {
    id: id(9),
    on: '*',
    pipeline: { kind: 'call', operation: 'memory' },
    state: 'done',
    createdAt: at,
    finishedAt: '2026-01-01T00:00:00.009Z',
    createdBy: 'me',
    summary,
  }
  const mote = ({ method, path }: Asked): Answer | undefined => {
    if (method === 'POST') return { status: 202, body: { ...run, summary: { ...summary, ok: 0, failed: 0 } } }
    if (path.startsWith(`/v1/runs/${id(9)}/summary`))
      return { body: { run: id(9), state: 'done', ok: 3, failures: {} } }
    if (path.endsWith('/events'))
      return { events: [...targets.map(data => ({ event: 'target', data })), { event: 'done', data: summary }] }
    return path.startsWith(`/v1/runs/${id(9)}`) ? { body: { ...run, targets } } : undefined
  }
  const factsMote = (one: Asked): Answer | undefined => {
    const answer = mote(one)
    const body = answer?.body as object | undefined
    const done = { event: 'done', data: summary }
    if (answer?.events)
      return { events: [...[facts(1), facts(2), facts(3), lost].map(data => ({ event: 'target', data })), done] }
    return body && 'pipeline' in body
      ? { ...answer, body: { ...body, pipeline: { kind: 'call', operation: 'facts' } } }
      : answer
  }
  const end = [
    'got 3 of 4, missing: web-4 (lost: no answer within its limit)',
    'expected 4 · ok 3 · failed 1 (lost 1) · 9 ms',
    `reops runs show ${id(9)}`,
    '',
  ]

  test("a summary is a line for each field, by the operation's own words; failures first, the missing named", async () => {
    const { out, code, asked } = await runWith(
      ['run', 'memory', '--on', '*', '--wait-online', '30s', '--summary'],
      mote,
    )
    expect(out.split('\n')).toEqual([
      'web-4  lost: no answer within its limit (started: unknown)',
      'FIELD           SUM      MIN      MEAN  MAX',
      'totalBytes      3.0 GiB',
      'availableBytes  1.5 GiB  512 MiB',
      'used                     0.25     0.5   0.75',
      ...end,
    ])
    expect(code).toBe(1)
    expect(asked.find(one => one.method === 'POST')?.body).toMatchObject({ waitOnline: 30_000 })
  })

  test('fields and functions of one’s own, with hosts, distinct values and buckets', async () => {
    const fields = 'value.cpu.count:max,top2,buckets(2);os.id'
    const { out } = await runWith(['run', 'facts', '--on', '*', '--summary', fields], factsMote)
    expect(out.split('\n').slice(1)).toEqual([
      'FIELD      MAX  VALUES',
      'cpu.count  3    web-3 3, web-2 2; ..2 ×1, 2.. ×2',
      'os.id           debian ×2, alpine ×1',
      ...end,
    ])
  })

  test('groups are a line each; JSON has them whole', async () => {
    const words = ['run', 'facts', '--on', '*', '--group-by', 'value.os.id', '--summary', 'cpu.count:count,max']
    const { out } = await runWith(words, factsMote)
    expect(out.split('\n').slice(1)).toEqual([
      'OS.ID   HOSTS  count cpu.count  max cpu.count',
      'debian  2      2                2',
      'alpine  1      1                3',
      ...end,
    ])
    const json = await runWith([...words, '--json'], factsMote)
    expect(JSON.parse(json.out.trim().split('\n').at(-1) as string)).toMatchObject({
      got: 3,
      missing: [{ host: 'web-4', state: 'lost' }],
      aggregate: {
        by: 'os.id',
        groups: [
          { key: 'debian', ok: 2 },
          { key: 'alpine', ok: 1 },
        ],
        failures: { lost: 1 },
      },
    })
  })

  test('of a run that was: here for people, by the service for programs', async () => {
    const { out } = await runWith(['runs', 'show', id(9), '--summary', 'used:mean'], mote)
    expect(out).toContain('FIELD  MEAN\nused   0.5\n')
    const json = await runWith(['runs', 'show', id(9), '--group-by', 'used', '--json'], mote)
    expect(json.asked.map(one => one.path)).toEqual([`/v1/runs/${id(9)}/summary?by=used`])
  })

  test('what cannot be taken together says what is allowed', async () => {
    for (const [words, why] of [
      [['run', 'memory', '--on', '*', '--summary', 'used:avg'], '--summary: unknown function `avg`; allowed are count'],
      [['run', 'memory', '--on', '*', '--summary', 'usde:mean'], '--summary: memory gives no field usde; did you mean'],
      [['run', 'memory', '--on', '*', '--group-by', 'os'], '--group-by: memory gives no field os. It has totalBytes'],
      [['run', '--on', '*', '--summary', '--', 'ls'], 'shell has no summary of its own; name fields'],
    ] as const) {
      const { code, error, asked } = await runWith(words, mote)
      expect([code, asked.some(one => one.method === 'POST')]).toEqual([2, false])
      expect(error).toContain(why)
    }
  })

  test('facts refresh runs `facts` everywhere', async () => {
    const { asked } = await runWith(['facts', 'refresh'], mote)
    expect(asked.find(one => one.method === 'POST')?.body).toEqual({
      on: '*',
      pipeline: { kind: 'call', operation: 'facts' },
    })
  })
})
