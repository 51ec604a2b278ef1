import type { World } from './testing.ts'

/** One bad request and what must be answered: what is wrong, where, what is allowed. */
export type BadRequest = {
  readonly to: 'mote' | 'core'
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly raw?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Absent: the administrator's. */
  readonly token?: string
  readonly status: number
  readonly kind: string
  readonly says: RegExp
}

const ping = { kind: 'call', operation: 'ping' }
const noId = '0193f2a4-8f00-7000-8000-00000000000a'
const bytesTooMany = 10 * 1024 * 1024
const large = JSON.stringify({ on: 'x'.repeat(bytesTooMany) })
const uuid = /^\/(params|query|body)\/\w+ must match pattern .* \(UUID, lower case\)$/
const call = (operation: string, input?: unknown) => ({ on: '*', pipeline: { kind: 'call', operation, input } })

type Case = readonly [body: unknown, status: number, kind: string, says: RegExp]

const runs: readonly Case[] = [
  [
    call('pnig'),
    400,
    'unknown-operation',
    /^\/body\/pipeline\/operation no operation "pnig"; did you mean ping\? allowed are .*\bfacts\b/,
  ],
  [call('frobnicate'), 400, 'unknown-operation', /no operation "frobnicate"; allowed are .*\bshell\b/],
  [call('process.list', { top: 'three' }), 400, 'bad-input', /^\/body\/pipeline\/input\/top must be integer$/],
  [
    call('process.list', { by: 'colour' }),
    400,
    'bad-input',
    /^\/body\/pipeline\/input\/by must be one of cpu, memory$/,
  ],
  [
    call('process.list', { topp: 3 }),
    400,
    'bad-input',
    /^\/body\/pipeline\/input\/topp unknown field; allowed are top, by$/,
  ],
  [call('shell', {}), 400, 'bad-input', /^\/body\/pipeline\/input needs exactly one of argv, script$/],
  [call('shell', { argv: 'uname -r' }), 400, 'bad-input', /^\/body\/pipeline\/input\/argv must be array$/],
  [
    { on: '*', pipeline: { kind: 'nope' } },
    400,
    'bad-pipeline',
    /^\/body\/pipeline\/kind must be one of call, sequence, /,
  ],
  [{ on: '*', pipeline: 'ping' }, 400, 'bad-pipeline', /^\/body\/pipeline must be a step such as /],
  [{ on: '*' }, 400, 'invalid-body', /^\/body must have required properties pipeline$/],
  [
    { on: '*', pipeline: ping, colour: 'red' },
    400,
    'invalid-body',
    /^\/body\/colour unknown field; allowed are on, pipeline, /,
  ],
  [{ on: '*', pipeline: ping, timeoutMs: 'soon' }, 400, 'invalid-body', /^\/body\/timeoutMs must be integer$/],
  [{ on: '*', pipeline: ping, timeoutMs: 0 }, 400, 'invalid-body', /^\/body\/timeoutMs must be >= 1$/],
  [{ on: 7, pipeline: ping }, 400, 'invalid-body', /^\/body\/on must be string$/],
  [{ on: 'role=', pipeline: ping }, 400, 'bad-selector', /^selector, character 6: found the end, expected a value$/],
  [{ on: 'web and', pipeline: ping }, 400, 'bad-selector', /^selector, character 8: found the end, expected a name, /],
  [
    { on: '(a or b', pipeline: ping },
    400,
    'bad-selector',
    /^selector, character 8: found the end, expected `and`, `or` or `\)`$/,
  ],
  [{ on: 'web[1-', pipeline: ping }, 400, 'bad-selector', /^selector, character 4: found `\[`, expected /],
  [{ on: 'web[1-999999]', pipeline: ping }, 400, 'bad-selector', /expected at most 10000 names in a range$/],
  [
    { on: 'role=none', pipeline: ping },
    422,
    'selector-matches-nothing',
    /^\/body\/on: no host matches "role=none"; .*--allow-none/,
  ],
  [{ on: "a='\u0000'", pipeline: ping }, 400, 'bad-selector', /^selector, character 4: .* without NUL characters$/],
  [{ on: '*', pipeline: ping, waitOnline: -1 }, 400, 'invalid-body', /^\/body\/waitOnline must be >= 0$/],
  [
    { on: 'x and @nobody', pipeline: ping },
    400,
    'bad-selector',
    /^selector, character 7: no selector is saved as `nobody`$/,
  ],
  [[], 400, 'invalid-body', /^\/body must be object$/],
]

const systems = (taken: string): readonly Case[] => [
  [{}, 400, 'invalid-body', /^\/body must have required properties name$/],
  [
    { name: 'a b' },
    400,
    'invalid-body',
    /^\/body\/name must match pattern .* \(letters, digits, .* at most 63 characters\)$/,
  ],
  [
    { name: 'x', provider: 'azure' },
    400,
    'invalid-body',
    /^\/body\/provider must be one of local, kvm, ec2, digitalocean, physical$/,
  ],
  [
    { name: 'x', provider: 'ec2' },
    422,
    'no-such-account',
    /^account is not given; allowed of provider ec2: none yet \(PUT \/v1\/accounts\/<name> makes one\)$/,
  ],
  [{ name: 'x', size: 'giant' }, 422, 'bad-spec', /^size is giant; allowed of provider local: process$/],
  [{ name: 'x', image: 'windows' }, 422, 'bad-spec', /^image is windows; allowed of provider local: this-computer$/],
  [{ name: taken }, 409, 'name-taken', new RegExp(`^name ${taken} is taken .*; choose another$`)],
  [{ name: 'x', count: 0 }, 400, 'invalid-body', /^\/body\/count must be >= 1$/],
  [{ name: 'x', count: 201 }, 400, 'invalid-body', /^\/body\/count must be <= 200$/],
  [{ name: 'x', count: 'two' }, 400, 'invalid-body', /^\/body\/count must be integer$/],
  [
    { name: 'x', colour: 'red' },
    400,
    'invalid-body',
    /^\/body\/colour unknown field; allowed are name, count, provider, /,
  ],
  [
    { name: 'x', labels: { 'a b': 'c' } },
    400,
    'invalid-body',
    /^\/body\/labels\/a b unknown field; allowed are names like /,
  ],
  [{ name: 'x', labels: { a: 1 } }, 400, 'invalid-body', /^\/body\/labels\/a must be string$/],
  [{ name: 'x', lease: {} }, 400, 'invalid-body', /^\/body\/lease must not have fewer than 1 properties$/],
  [{ name: 'x', lease: { forMs: 5 } }, 400, 'invalid-body', /^\/body\/lease\/forMs must be >= 60000$/],
  [
    { name: 'x', lease: { forMs: 120_000, maxLifeMs: 60_000 } },
    422,
    'bad-lease',
    /^lease\.forMs is 120000; allowed below lease\.maxLifeMs: 60000$/,
  ],
  [{ name: 'x', readiness: 'ssh' }, 422, 'bad-readiness', /^readiness is ssh; allowed: agent, none$/],
  [{ name: 'x', readiness: 'maybe' }, 400, 'invalid-body', /^\/body\/readiness must be one of agent, ssh, none$/],
  [{ name: 'x', type: 'Web Server' }, 400, 'invalid-body', /^\/body\/type must match pattern .* \(named role, /],
  [{ name: 'x'.repeat(62), count: 10 }, 422, 'bad-name', /has 64 characters; allowed: 63$/],
]

const enrolments: readonly Case[] = [
  [{ uses: 0 }, 400, 'invalid-body', /^\/body\/uses must be >= 1$/],
  [
    { sources: ['nope'] },
    400,
    'bad-source',
    /^\/body\/sources: "nope" is no address range; allowed are forms like 10\.0\.0\.0\/8/,
  ],
  [{ labels: { 'a b': 'x' } }, 400, 'invalid-body', /^\/body\/labels\/a b unknown field; allowed are names like /],
  [{ system: '7' }, 400, 'invalid-body', uuid],
  [{ colour: 'red' }, 400, 'invalid-body', /^\/body\/colour unknown field; allowed are tokenHash, /],
]

const reads: readonly (readonly ['mote' | 'core', string, number, string, RegExp])[] = [
  ['mote', '/v1/hosts/7', 400, 'invalid-params', uuid],
  ['mote', `/v1/hosts/${noId}`, 404, 'no-such-host', /^host \S+ does not exist; GET \/v1\/hosts lists them$/],
  ['mote', '/v1/runs/..%2f..', 400, 'invalid-params', uuid],
  ['mote', `/v1/runs/${noId}`, 404, 'no-such-run', /^run \S+ does not exist; GET \/v1\/runs lists them$/],
  ['mote', `/v1/runs/${noId}/events`, 404, 'no-such-run', /does not exist/],
  ['mote', '/v1/runs?limit=many', 400, 'invalid-query', /^\/query\/limit must be integer$/],
  ['mote', '/v1/runs?limit=0', 400, 'invalid-query', /^\/query\/limit must be >= 1$/],
  ['mote', '/v1/runs?before=7', 400, 'invalid-query', uuid],
  ['mote', `/v1/runs/${noId}?targets=maybe`, 400, 'invalid-query', /^\/query\/targets must be one of true, false$/],
  ['mote', '/v1/hosts?on=a%20and', 400, 'bad-selector', /^selector, character 6: found the end, expected /],
  ['mote', '/v1/hosts?generation=99999999999', 400, 'invalid-query', /^\/query\/generation must be <= 2147483647$/],
  ['mote', '/v1/audit?limit=1e9', 400, 'invalid-query', /^\/query\/limit must be <= 1000$/],
  ['mote', `/v1/hosts/${'a'.repeat(300)}`, 414, 'url-too-long', /longer than the 200 characters allowed$/],
  ['core', '/v1/jobs/7', 400, 'invalid-params', uuid],
  ['core', `/v1/jobs/${noId}`, 404, 'no-such-job', /^no job has the id \S+; GET \/v1\/jobs lists them$/],
  ['core', '/v1/jobs?limit=0', 400, 'invalid-query', /^\/query\/limit must be >= 1$/],
  [
    'core',
    '/v1/jobs?system=nope',
    404,
    'no-such-system',
    /^no system has the id or name nope; GET \/v1\/systems lists them$/,
  ],
  ['core', '/v1/systems/nope', 404, 'no-such-system', /^no system has the id or name nope; /],
  ['core', '/v1/systems/%00', 400, 'bad-text', /character NUL .* allowed is all other Unicode$/],
  ['core', '/v1/systems?gone=maybe', 400, 'invalid-query', /^\/query\/gone must be boolean$/],
]

const anywhere = (to: 'mote' | 'core', posts: string, reads: string, scope: string, expired: string, small: string) => {
  const json = (raw: string) => ({ to, method: 'POST', path: posts, raw })
  const get = (token: string) => ({ to, method: 'GET', path: reads, token })
  const notJson = { status: 400, kind: 'malformed-json', says: /^\/body is not valid JSON$/ }
  const noType = { status: 415, kind: 'unsupported-media-type', says: /^content-type must be application\/json$/ }
  const badKey = { status: 400, kind: 'bad-idempotency-key', says: /^Idempotency-Key must be 1 to 200 printable/ }
  const no = (says: RegExp) => ({ status: 401, kind: 'unauthorised', says })
  const bodies = { mote: { on: '*', pipeline: ping }, core: { name: 'never' } }
  const keyed = (key: string) => ({ ...json(JSON.stringify(bodies[to])), headers: { 'idempotency-key': key } })
  return [
    { ...json('{"on": '), ...notJson },
    { ...json(''), ...notJson },
    { ...json('['.repeat(100_000)), ...notJson },
    { ...json('{"__proto__":{"a":1}}'), ...notJson },
    { ...json('a=b'), headers: { 'content-type': 'application/x-www-form-urlencoded' }, ...noType },
    { ...json('<a/>'), headers: { 'content-type': 'application/xml' }, ...noType },
    { ...json(large), status: 413, kind: 'body-too-large', says: /^\/body is larger than the 1048576 bytes allowed$/ },
    { ...keyed('x'.repeat(201)), ...badKey },
    { ...keyed('a b'), ...badKey },
    {
      to,
      method: 'GET',
      path: '/v1/nope',
      status: 404,
      kind: 'no-route',
      says: /^there is no GET \/v1\/nope; see \/docs$/,
    },
    { to, method: 'PATCH', path: reads, status: 404, kind: 'no-route', says: /^there is no PATCH \S+; see \/docs$/ },
    {
      to,
      method: 'GET',
      path: `/v1/${'a'.repeat(8_000)}`,
      status: 404,
      kind: 'no-route',
      says: /^.{0,250}see \/docs$/,
    },
    {
      to,
      method: 'GET',
      path: '/v1/%zz',
      status: 400,
      kind: 'bad-url',
      says: /a % that does not begin an encoded character/,
    },
    {
      to,
      method: 'GET',
      path: `/v1/${'a'.repeat(20_000)}`,
      status: 431,
      kind: 'headers-too-large',
      says: /16384 bytes allowed$/,
    },
    { ...get(''), ...no(/^there is no token; send "Authorization: Bearer <token>"/) },
    { ...get('garbage'), ...no(/^the token is not genuine; send /) },
    { ...get('a.b.c'), ...no(/^the token is not genuine; send /) },
    { ...get(`${Buffer.from('{"alg":"none"}').toString('base64url')}.${small.split('.')[1]}.`), ...no(/not genuine/) },
    { ...get(''), headers: { authorization: 'Basic YTpi' }, ...no(/header is not a bearer token; send /) },
    { ...get(expired), ...no(/^the token has expired; send /) },
    { ...json(large), token: 'garbage', ...no(/^the token is not genuine; send /) },
    {
      ...json(JSON.stringify(bodies[to])),
      token: small,
      status: 403,
      kind: 'forbidden',
      says: new RegExp(`^this needs scope ${scope}; the token of acceptance has runs:read$`),
    },
  ] satisfies BadRequest[]
}

/** Every bad request there is a row for, to both services. */
export const badRequests = ({ cluster }: World, expired: string, small: string): readonly BadRequest[] => {
  const posted = (to: 'mote' | 'core', path: string, cases: readonly Case[]): BadRequest[] =>
    cases.map(([body, status, kind, says]) => ({ to, method: 'POST', path, body, status, kind, says }))
  const seen: BadRequest[] = reads.map(([to, path, status, kind, says]) => ({
    to,
    method: 'GET',
    path,
    status,
    kind,
    says,
  }))
  const unsealed = { to: 'mote', method: 'POST', path: '/v1/enrol', token: '' } as const
  return [
    ...posted('mote', '/v1/runs', runs),
    ...posted('mote', '/v1/runs?wait=61', [
      [{ on: '*', pipeline: ping }, 400, 'invalid-query', /^\/query\/wait must be <= 60$/],
    ]),
    ...posted('mote', '/v1/enrolments', enrolments),
    {
      ...unsealed,
      body: { sealed: 'x' },
      status: 400,
      kind: 'bad-enrol',
      says: /^\/body\/sealed: was not sealed for this installation/,
    },
    { ...unsealed, body: {}, status: 400, kind: 'invalid-body', says: /^\/body must have required properties sealed$/ },
    ...posted('core', '/v1/systems', systems(cluster.systems.systems[0]?.name ?? '')),
    ...posted('core', '/v1/systems/nope/explode', [
      [{}, 404, 'no-route', /^there is no POST \/v1\/systems\/nope\/explode/],
    ]),
    ...posted('core', '/v1/systems/nope/start', [[{}, 404, 'no-such-system', /^no system has the id or name nope/]]),
    ...posted('core', `/v1/systems/${cluster.systems.systems[0]?.name ?? ''}/lease`, [
      [{}, 422, 'no-lease', / has no lease; give forMs to begin one$/],
      [{ forMs: 1 }, 400, 'invalid-body', /^\/body\/forMs must be >= 60000$/],
      [{ onEnd: 'sell' }, 400, 'invalid-body', /^\/body\/onEnd must be one of destroy, stop$/],
    ]),
    ...posted('core', '/v1/systems/nope/lease', [[{}, 404, 'no-such-system', /^no system has the id or name nope/]]),
    ...posted('core', '/v1/systems/nope/forget', [[{}, 404, 'no-such-system', /^no system has the id or name nope/]]),
    ...posted('core', '/v1/systems/import', [
      [{ account: 'a' }, 400, 'invalid-body', /^\/body must have required properties ref, name$/],
      [{ account: 'nope', ref: 'i-1', name: 'x' }, 422, 'no-such-account', /^account is nope; allowed: local/],
      [{ account: 'local', ref: 'i 1', name: 'x' }, 400, 'invalid-body', /^\/body\/ref must match pattern/],
      [
        { account: 'local', ref: 'x', name: 'x', policy: { fixes: ['power'] } },
        422,
        'observe-only',
        /^policy\.fixes is power; allowed with managed full$/,
      ],
      [
        { account: 'local', ref: 'x', name: 'x', managed: 'full', policy: { onLost: 'recreate' } },
        422,
        'bad-policy',
        /^policy\.onLost is recreate; allowed: alert, forget$/,
      ],
    ]),
    ...posted('core', '/v1/systems/nope/adopt', [[{}, 404, 'no-such-system', /^no system has the id or name nope/]]),
    ...seen,
    ...anywhere('mote', '/v1/runs', '/v1/hosts', 'runs:write', expired, small),
    ...anywhere('core', '/v1/systems', '/v1/systems', 'systems:write', expired, small),
  ]
}
