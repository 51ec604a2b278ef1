import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { ProviderKind, Readiness } from '@re-ops/protocols'
import { providers, readiness } from './program/kit.ts'
import { problem, reops, serve, type Answer, type Asked } from './testing.ts'

const id = (n: number) => `0193f2a4-8f00-7000-8000-00000000000${n}`
const at = '2026-01-01T00:00:00.000Z'
const secret = 'canary-of-a-token'

const host = (n: number, online = true) => ({
  id: id(n),
  name: `web-${n}`,
  labels: { role: 'web' },
  online,
  transport: 'zmq',
  state: 'enrolled',
  pid: 100 + n,
  version: '0.1.0',
  facts: {},
  factsAt: null,
  system: null,
  generation: null,
  enrolledAt: at,
  seenAt: at,
})
const ref = (n: number) => ({ id: id(n), name: `web-${n}` })
const shell = (stdout: string) => ({ stdout, stderr: '', code: 0, truncated: false })
const okTarget = (n: number, value: unknown) => ({ host: ref(n), state: 'ok', step: 'shell', ms: 5, value })
const failedTarget = (n: number) => ({
  host: ref(n),
  state: 'unreachable',
  step: 'shell',
  ms: 7,
  failure: { kind: 'unreachable', message: 'no session', step: 'shell' },
})
const summaryOf = (ok: number, failed: number) => ({
  run: id(9),
  expected: ok + failed,
  ok,
  failed,
  failures: failed > 0 ? { unreachable: failed } : {},
})
const run = (expected: number) => ({
  id: id(9),
  on: '*',
  pipeline: { kind: 'call', operation: 'shell' },
  state: 'running',
  createdAt: at,
  finishedAt: null,
  createdBy: 'me',
  summary: { ...summaryOf(0, 0), expected },
})
const operations = [
  {
    name: 'process.list',
    doc: 'The processes.',
    reads: true,
    input: {
      type: 'object',
      additionalProperties: false,
      properties: {
        top: { type: 'integer', description: 'how many' },
        by: { anyOf: [{ const: 'cpu' }, { const: 'memory' }] },
      },
    },
    output: { type: 'array', items: { type: 'object', properties: { pid: { type: 'integer' } } } },
  },
]

type Targets = readonly { state: string }[]
/** A re-mote whose runs end with the given targets. */
const mote =
  (targets: Targets, more: (asked: Asked) => Answer | undefined = () => undefined) =>
  (asked: Asked): Answer | undefined => {
    const given = more(asked)
    if (given) return given
    const path = asked.path.split('?')[0]
    if (path === '/v1/hosts') return { body: [host(1), host(2, false)] }
    if (path === '/v1/operations') return { body: operations }
    if (path === '/v1/runs' && asked.method === 'POST') return { status: 202, body: run(targets.length) }
    if (path === `/v1/runs/${id(9)}/events`) {
      const ok = targets.filter(target => target.state === 'ok').length
      const done = { event: 'done', data: summaryOf(ok, targets.length - ok) }
      return { events: [...targets.map(data => ({ event: 'target', data })), done] }
    }
    return undefined
  }
const reach = (url: string) => ({ REOPS_MOTE_URL: url, REOPS_CORE_URL: url, REOPS_TOKEN: secret })
const jsonLines = (text: string): unknown[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as unknown)

describe('run', () => {
  test('folds identical results, failures first, ends with the counts, exit 1', async () => {
    const targets = [okTarget(1, shell('6.18\n')), failedTarget(2), okTarget(3, shell('6.18\n'))]
    await using service = await serve(mote(targets))
    const ended = await reops(['run', '--on', '*', '--', 'uname', '-r'], { environment: reach(service.url) })
    expect(ended.out).toBe(
      [
        'web-2  unreachable: no session',
        'HOST           OUTPUT',
        'web-[1,3] (2)  6.18',
        'got 2 of 3, missing: web-2 (unreachable: no session)',
        'expected 3 · ok 2 · failed 1 (unreachable 1) · 7 ms',
        `reops runs show ${id(9)}`,
        '',
      ].join('\n'),
    )
    expect(ended).toMatchObject({ code: 1, error: '' })
    const posted = service.asked.find(one => one.method === 'POST')
    expect(posted?.body).toEqual({
      on: '*',
      pipeline: { kind: 'call', operation: 'shell', input: { argv: ['uname', '-r'] } },
    })
    expect(posted?.key).toMatch(/^[0-9a-f-]{36}$/)
    expect(posted?.token).toBe(`Bearer ${secret}`)
  })

  test('--json is one line for each target, then the summary: the contract for programs', async () => {
    await using service = await serve(mote([okTarget(1, { a: 1 }), failedTarget(2)]))
    const ended = await reops(['run', 'ping', '--on', '*', '--json'], { environment: reach(service.url) })
    expect(jsonLines(ended.out)).toEqual([
      { host: 'web-1', id: id(1), ok: true, value: { a: 1 }, ms: 5 },
      {
        host: 'web-2',
        id: id(2),
        ok: false,
        failure: { kind: 'unreachable', message: 'no session', step: 'shell' },
        ms: 7,
      },
      {
        summary: summaryOf(1, 1),
        got: 1,
        missing: [{ host: 'web-2', id: id(2), state: 'unreachable', why: 'no session' }],
      },
    ])
    expect(ended).toMatchObject({ code: 1, error: '' })
  })

  test('all ok is exit 0; inputs are typed by the schema of the service; --timeout is sent', async () => {
    await using service = await serve(mote([okTarget(1, [])]))
    const words = ['run', 'process.list', 'top=3', 'by=memory', '--on', 'role=web', '--timeout', '10s', '--json']
    expect((await reops(words, { environment: reach(service.url) })).code).toBe(0)
    expect(service.asked.find(one => one.method === 'POST')?.body).toEqual({
      on: 'role=web',
      pipeline: { kind: 'call', operation: 'process.list', input: { top: 3, by: 'memory' } },
      timeoutMs: 10_000,
    })
  })

  test('--detach prints the id and does not wait', async () => {
    await using service = await serve(mote([okTarget(1, null)]))
    const ended = await reops(['run', 'ping', '--on', '*', '--detach'], { environment: reach(service.url) })
    expect(ended).toEqual({ code: 0, out: `${id(9)}\n`, error: '' })
    expect(service.asked.some(one => one.path.endsWith('/events'))).toBe(false)
  })

  test('Ctrl-C asks the service to cancel and shows what ended how', async () => {
    const asked = { events: 0, cancelled: 0 }
    const cancelled = {
      ...failedTarget(1),
      state: 'cancelled',
      failure: { kind: 'cancelled', message: 'cancelled', step: 'shell' },
    }
    await using service = await serve(
      mote([], one => {
        if (one.path.endsWith('/cancel')) return { status: 202, body: { cancelled: (asked.cancelled += 1) } }
        if (!one.path.endsWith('/events')) return undefined
        asked.events += 1
        if (asked.cancelled === 0) return problem(503, 'not-yet', 'the run goes on')
        const done = { event: 'done', data: { ...summaryOf(0, 1), failures: { cancelled: 1 } } }
        return { events: [{ event: 'target', data: cancelled }, done] }
      }),
    )
    const ended = await reops(['run', 'ping', '--on', '*'], {
      environment: reach(service.url),
      whileRunning: async child => {
        while (asked.events === 0) await new Promise(resolve => setTimeout(resolve, 10))
        child.kill('SIGINT')
      },
    })
    expect(ended.code).toBe(1)
    expect(ended.error).toBe(`cancelling run ${id(9)}; Ctrl-C again leaves at once\n`)
    expect(ended.out).toContain('web-1  cancelled\nexpected 1 · ok 0 · failed 1 (cancelled 1)')
    expect(asked.cancelled).toBe(1)
  })
})

describe('wrong usage is exit 2, one line, and says what is allowed', () => {
  test.each([
    [['run', 'ping'], 'reops: on which hosts? give --on <selector>'],
    [['run', '--on', '*'], 'reops: run what? give an operation'],
    [['run', 'ping', '--on', '*', '--', 'ls'], 'reops: give either an operation (`ping`) or a command'],
    [['run', '--on', '*', '--'], 'reops: no command behind `--`'],
    [['run', 'ping', '--on', '*', '--timeout', '10'], 'reops: --timeout: `10` is not a duration'],
    [
      ['run', 'process.lst', 'top=1', '--on', '*'],
      'reops: unknown operation `process.lst`; did you mean `process.list`?',
    ],
    [
      ['run', 'process.list', 'tap=1', '--on', '*'],
      'reops: process.list has no input `tap`; allowed: top (whole number)',
    ],
    [['run', 'process.list', 'top=x', '--on', '*'], 'reops: input `top` of process.list must be whole number'],
    [['hosts', '--', 'ls'], 'reops: `--` and a command stand only behind'],
    [['hsts'], "reops: unknown command 'hsts' (Did you mean hosts?)"],
    [['ssh'], "reops: missing required argument 'name'; --help has examples"],
    [['ssh', 'web-1', 'df', '/'], 'reops: a command stands behind `--`: `reops ssh web-1 -- df /`'],
    [['push', 'x'], "reops: unknown command 'push'; there is `reops files push`"],
    [['hosts', '--jsn'], "reops: unknown option '--jsn' (Did you mean --json?)"],
    [['systems', 'destroy', 'web-1'], 'reops: would destroy 1 system: web-1; say --yes'],
    [['systems', 'stop'], 'reops: which systems? give names or --on <selector>'],
    [['systems', 'create', '--name', 'x', '--count', '0'], 'reops: --count: `0` is not a whole number from 1 to 200'],
    [
      ['systems', 'create', '--name', 'x', '--provider', 'nope'],
      'Allowed choices are local, kvm, ec2, digitalocean, physical.',
    ],
    [['hosts', 'revoke', 'web-1'], 'reops: would revoke 1 host: web-1; say --yes'],
    [['hosts', 'revoke', 'web-7'], 'reops: no host is called web-7'],
    [['hosts', 'release', 'web-1'], 'reops: web-1 is not in quarantine; it is enrolled'],
    [['hosts', 'release', '--on', 'role=web'], 'reops: no host is in quarantine; allow that with --allow-none'],
    [
      ['token', 'create', '--subject', 'ci', '--scope', 'all'],
      'reops: --scope: `all` is not a scope; allowed are admin',
    ],
    [['operations', 'show', 'nope'], 'reops: unknown operation `nope`; there are process.list'],
  ])('%j', async (args, line) => {
    const systems = { body: [system(1, 'ready')] }
    await using service = await serve(mote([], one => (one.path === '/v1/systems' ? systems : undefined)))
    const ended = await reops(args, { environment: reach(service.url) })
    expect(ended.error).toContain(line)
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(ended.error.trimEnd().split('\n')).toHaveLength(1)
    expect(service.asked.filter(one => one.method !== 'GET')).toEqual([])
  })

  test('a selector that matches nothing, unless that is allowed', async () => {
    const detail = 'selector `role=none` matches none of 4 hosts; allow that with allowNone'
    await using service = await serve(
      mote([], one => {
        const { allowNone } = (one.body ?? {}) as { allowNone?: boolean }
        return one.method === 'POST' && !allowNone ? problem(422, 'selector-matches-nothing', detail) : undefined
      }),
    )
    const environment = reach(service.url)
    expect(await reops(['run', 'ping', '--on', 'role=none'], { environment })).toEqual({
      code: 2,
      out: '',
      error: `reops: ${detail}\n`,
    })
    const allowed = await reops(['run', 'ping', '--on', 'role=none', '--allow-none', '--json'], { environment })
    expect(allowed.code).toBe(0)
    expect(jsonLines(allowed.out)).toEqual([{ summary: summaryOf(0, 0) }])
  })
})

test('release lifts the quarantine of the hosts named, and of those alone', async () => {
  const doubted = { state: 'quarantined', online: false, stateReason: 'two living copies' }
  const hosts = [{ ...host(1), ...doubted }, { ...host(2), ...doubted }, host(3)]
  const isConfirm = ({ method, path }: Asked) => method === 'POST' && path.endsWith('/confirm')
  await using service = await serve(asked => {
    if (asked.path.startsWith('/v1/hosts?') || asked.path === '/v1/hosts') return { body: hosts }
    return isConfirm(asked) ? { body: hosts[1] } : undefined
  })
  const released = await reops(['hosts', 'release', 'web-2', '--yes'], { environment: reach(service.url) })
  expect(released).toMatchObject({ code: 0, out: 'web-2  released\n' })
  expect(service.asked.filter(isConfirm).map(({ path }) => path)).toEqual([`/v1/hosts/${id(2)}/confirm`])
})

describe('exit 3', () => {
  test('with re-mote stopped there is one line and no table', async () => {
    await using service = await serve(() => undefined)
    await service.close()
    const ended = await reops(['run', 'ping', '--on', '*'], { environment: reach(service.url) })
    expect(ended.error).toBe(
      `reops: re-mote at ${service.url} is unreachable: connection refused; is the cluster running? (\`npm start\`)\n`,
    )
    expect(ended).toMatchObject({ code: 3, out: '' })
  })

  test.each([401, 403])('status %d says why and never shows the token', async status => {
    await using service = await serve(() => problem(status, 'denied', 'needs scope runs:write'))
    const ended = await reops(['run', 'ping', '--on', '*', '--json'], { environment: reach(service.url) })
    expect(ended).toMatchObject({ code: 3, out: '' })
    expect(ended.error).toContain('needs scope runs:write')
    expect(ended.error).not.toContain(secret)
  })

  test('no cluster to be found says what to do; an address that is none is wrong usage', async () => {
    const ended = await reops(['hosts'])
    expect(ended).toMatchObject({ code: 3, out: '' })
    expect(ended.error).toMatch(/^reops: no cluster found: .*run `npm start`, or set REOPS_MOTE_URL/)
    expect((await reops(['hosts'], { environment: { REOPS_MOTE_URL: 'localhost:1' } })).code).toBe(2)
    const withPassword = await reops(['hosts'], { environment: { REOPS_MOTE_URL: `http://ann:${secret}@localhost:1` } })
    expect(withPassword).toMatchObject({ code: 2, error: expect.stringContaining('`http://***@localhost:1` is not') })
    expect(withPassword.error).not.toContain(secret)
  })
})

describe('finding the cluster', () => {
  test('in this folder or above; the environment wins; the token comes from its file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reops-'))
    try {
      await using service = await serve(mote([]))
      mkdirSync(join(folder, '.reops'))
      mkdirSync(join(folder, 'below'))
      writeFileSync(
        join(folder, '.reops', 'cluster.json'),
        JSON.stringify({ moteUrl: service.url, tokenFile: 'token' }),
      )
      writeFileSync(join(folder, '.reops', 'token'), `${secret}\n`)
      const found = await reops(['hosts', '--json'], { cwd: join(folder, 'below') })
      expect(JSON.parse(found.out)).toEqual([host(1), host(2, false)])
      expect(service.asked[0]?.token).toBe(`Bearer ${secret}`)
      const environment = { REOPS_MOTE_URL: 'http://127.0.0.1:9' }
      expect((await reops(['hosts'], { cwd: folder, environment })).code).toBe(3)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

const system = (n: number, phase: string) => ({
  id: id(n),
  name: `web-${n}`,
  provider: 'local',
  type: 'web',
  size: 'small',
  image: 'none',
  labels: { env: 'test' },
  readiness: 'agent',
  account: 'local',
  region: 'local',
  options: {},
  lease: null,
  protected: false,
  generation: 1,
  desired: 'running',
  observed: null,
  phase,
  phases: [
    { name: 'requested', at, ms: 80 },
    { name: 'booting', at, ms: 5100 },
    { name: 'ready', at, ms: null },
  ],
  reason: null,
  ref: null,
  host: null,
  createdAt: at,
  readyAfterMs: 5180,
})
const job = (n: number, state: string, more: object = {}) => ({
  id: id(n + 4),
  system: id(n),
  name: `web-${n}`,
  verb: 'create',
  state,
  error: null,
  phases: [],
  createdAt: at,
  finishedAt: state === 'done' || state === 'failed' ? '2026-01-01T00:00:05.180Z' : null,
  ...more,
})

describe('systems', () => {
  test('create --wait follows the jobs and prints how long each phase took; a failure is exit 1', async () => {
    const failed = job(2, 'failed', { error: 'no capacity' })
    await using service = await serve(asked => {
      if (asked.method === 'POST')
        return {
          status: 202,
          body: { systems: [system(1, 'planned'), system(2, 'planned')], jobs: [job(1, 'queued'), job(2, 'queued')] },
        }
      if (asked.path === '/v1/events')
        return {
          events: [
            { event: 'job', data: job(1, 'done') },
            { event: 'job', data: failed },
          ],
        }
      if (asked.path === `/v1/jobs/${id(5)}`) return { body: job(1, 'running') }
      if (asked.path === `/v1/jobs/${id(6)}`) return { body: job(2, 'running') }
      if (asked.path === `/v1/systems/${id(1)}`) return { body: system(1, 'ready') }
      if (asked.path === `/v1/systems/${id(2)}`) return { body: { ...system(2, 'failed'), phases: [] } }
      if (asked.path === '/v1/systems') return { body: [] }
      return asked.path === '/v1/jobs' ? { body: [] } : undefined
    })
    const words = [
      'systems',
      'create',
      '--name',
      'web',
      '--count',
      '2',
      '--label',
      'env=test',
      '--type',
      'web',
      '--wait',
    ]
    const ended = await reops(words, { environment: reach(service.url) })
    expect(ended.out).toBe(
      'web-1  requested 80 ms · booting 5.1 s · ready after 5.2 s\nweb-2  failed after 5.2 s\n    no capacity\n',
    )
    expect(ended).toMatchObject({ code: 1, error: '' })
    expect(service.asked[0]?.body).toEqual({ name: 'web', count: 2, type: 'web', labels: { env: 'test' } })
  })

  test('list --json is an array with the fields of the contract', async () => {
    await using service = await serve(() => ({ body: [system(1, 'ready')] }))
    const ended = await reops(['systems', 'list', '--json'], { environment: reach(service.url) })
    const [first] = JSON.parse(ended.out) as Record<string, unknown>[]
    expect(first).toMatchObject({ id: id(1), name: 'web-1', provider: 'local', type: 'web', phase: 'ready' })
    expect(first?.phases).toContainEqual({ name: 'booting', at, ms: 5100 })
  })

  test('list says where each is and what is wanted otherwise, and counts', async () => {
    const [one, two] = [system(1, 'ready'), system(2, 'failed')]
    await using service = await serve(() => ({
      body: [
        { ...one, address: '10.0.0.1', account: 'aws' },
        { ...two, desired: 'stopped', reason: 'no capacity' },
      ],
    }))
    const ended = await reops(['systems', 'list'], { environment: reach(service.url) })
    const cells = ended.out.split('\n').map(line => line.replace(/\d+ (d|h|min|s)\b/, 'AGO').split(/ {2,}/))
    expect(cells).toEqual([
      ['SYSTEM', 'PROVIDER', 'ACCOUNT', 'TYPE', 'PHASE', 'WANTED', 'ADDRESS', 'LABELS', 'AGE', 'WHY'],
      ['web-1', 'local', 'aws', 'web', 'ready', '10.0.0.1', 'env=test', 'AGO'],
      ['web-2', 'local', 'web', 'failed', 'stopped', 'env=test', 'AGO', 'no capacity'],
      ['2 systems · ready 1 · failed 1'],
      [''],
    ])
  })

  test('what is deleted beside machines is not shown as if it were there', async () => {
    const volume = { ref: 'v', name: 'data', sizeGb: 10, account: 'do', region: 'nyc3', provider: 'digitalocean' }
    const leaving = { ...volume, attachedTo: null, system: null, zone: null, state: 'leaving', error: null }
    const gone = { type: 'about:blank#no-such-volume', title: 'No such volume', status: 404, detail: 'it is gone' }
    await using service = await serve(({ method }) =>
      method === 'DELETE' ? { status: 202, body: leaving } : { status: 404, body: gone },
    )
    const ended = await reops(['volumes', 'delete', 'data', '--account', 'do', '--yes'], {
      environment: reach(service.url),
    })
    expect(ended).toMatchObject({ code: 0, out: 'data  deleted\n' })
  })

  test('a job is named by its system, by `last` or by a part of its id', async () => {
    const all = [job(2, 'failed'), job(1, 'done')]
    await using service = await serve(asked =>
      asked.path === '/v1/jobs' ? { body: all } : { body: all.find(one => asked.path === `/v1/jobs/${one.id}`) },
    )
    const show = async (word: string) => {
      const { code, out, error } = await reops(['jobs', 'show', word, '--json'], { environment: reach(service.url) })
      return code === 0 ? (JSON.parse(out) as { id: string }).id : error
    }
    expect(await show('web-1')).toBe(id(5))
    expect(await show('last')).toBe(id(6))
    expect(await show('0005')).toBe(id(5))
    expect(await show('0193')).toContain('`0193` is the id of 2 jobs; give more of it')
    expect(await show('nope')).toContain('no job `nope` among the latest 2; `reops jobs` lists them')
  })

  test('destroy --on with --yes asks it of each that is picked', async () => {
    await using service = await serve(asked =>
      asked.method === 'DELETE'
        ? { status: 202, body: job(1, 'queued', { verb: 'destroy' }) }
        : { body: [system(1, 'ready'), { ...system(2, 'ready'), labels: {} }] },
    )
    const ended = await reops(['systems', 'destroy', '--on', 'env=test', '--yes'], { environment: reach(service.url) })
    expect(ended).toMatchObject({ code: 0, out: `web-1  destroy queued  ${id(5)}\n` })
    expect(service.asked.filter(one => one.method === 'DELETE').map(one => one.path)).toEqual([`/v1/systems/${id(1)}`])
  })
})

test('enrolments create prints the token alone on stdout and how to use it on stderr', async () => {
  const token = `re1.${'a'.repeat(43)}.${'b'.repeat(43)}`
  const enrolment = {
    id: id(1),
    system: null,
    generation: null,
    candidate: null,
    name: null,
    labels: {},
    usesLeft: 5,
    expiresAt: at,
    token,
  }
  await using service = await serve(() => ({ status: 201, body: enrolment }))
  const ended = await reops(['enrolments', 'create', '--uses', '5', '--label', 'role=web', '--ttl', '2h'], {
    environment: reach(service.url),
  })
  expect(ended).toMatchObject({ code: 0, out: `${token}\n` })
  expect(ended.error).toContain(`REGENT_URL=${service.url} REGENT_TOKEN=<token>`)
  expect(service.asked[0]?.body).toEqual({ labels: { role: 'web' }, uses: 5, ttlMs: 7_200_000 })
})

test('token show tells what the token may do, not the token', async () => {
  const payload = Buffer.from(JSON.stringify({ sub: 'ci', scopes: ['runs:write'], exp: 4_000_000_000 })).toString(
    'base64url',
  )
  const environment = { REOPS_MOTE_URL: 'http://127.0.0.1:9', REOPS_TOKEN: `h.${payload}.canary` }
  const ended = await reops(['token', 'show', '--json'], { environment })
  expect(JSON.parse(ended.out)).toEqual({
    subject: 'ci',
    scopes: ['runs:write'],
    expiresAt: '2096-10-02T07:06:40.000Z',
    from: 'REOPS_TOKEN',
  })
  expect(ended.out).not.toContain('canary')
  expect((await reops(['token', 'show', '--value'], { environment })).out).toBe(`${environment.REOPS_TOKEN}\n`)
})

test('--help is everywhere, with examples, and needs no cluster; --version', async () => {
  const commands = [
    [],
    ['hosts'],
    ['hosts', 'revoke'],
    ['run'],
    ['systems', 'create'],
    ['systems', 'destroy'],
    ['runs', 'show'],
    ['token', 'create'],
  ]
  for (const words of commands) {
    const ended = await reops([...words, '--help'])
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(ended.out).toContain('Examples:\n  $ ')
  }
  expect((await reops(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  for (const words of [[], ['systems']]) {
    const ended = await reops(words)
    expect(ended).toMatchObject({ code: 2, out: '' })
    expect(ended.error).toContain('Commands:')
  }
})

test('the words that --help names are those of the protocols', () => {
  expect(providers).toEqual(ProviderKind.enum)
  expect(readiness).toEqual(Readiness.enum)
})
