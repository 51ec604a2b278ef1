import { operation, Type, type AnyOperation } from '@re-ops/pipelines'
import { HostName, httpProbe, Port, portProbe, Url } from './network/probes.ts'
import { clock, plain } from './script.ts'
import { sections, wholeNumber } from './sections.ts'

const Limits = {
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000, description: 'default 30000' })),
  intervalMs: Type.Optional(
    Type.Integer({ minimum: 10, maximum: 60_000, description: 'between two looks; default 500' }),
  ),
}
type Limits = { timeoutMs?: number; intervalMs?: number }
const timeoutMsDefault = 30_000

const Waited = Type.Object({
  waitedMs: Type.Integer({ minimum: 0 }),
  tries: Type.Integer({ minimum: 1, description: 'how often it looked' }),
})

/**
 * Looks until `try` succeeds: `$1` is the limit in ms, `$2` the pause in seconds, the rest is that of `try`. Past the limit it
 * exits 124, as timeout(1) does, with what it waited for and what it saw last. A look itself is never longer than 5 s.
 */
const poll = (what: string, tryIt: string) => `${plain}
${clock}
limit=$1; pause=$2; shift 2
try() { ${tryIt}; }
began=$(now); tries=0
while :; do
  tries=$((tries + 1))
  try "$@" && break
  waited=$(($(now) - began))
  [ "$waited" -lt "$limit" ] || { echo "${what} within $limit ms ($tries looks): $why" >&2; exit 124; }
  sleep "$pause"
done
echo "== waited"; echo $(($(now) - began)); echo "== tries"; echo "$tries"`

const limitArgs = ({ timeoutMs = timeoutMsDefault, intervalMs = 500 }: Limits) => [
  String(timeoutMs),
  String(intervalMs / 1000),
]
/** The call must outlive the waiting, to say why it ended. */
const callTimeoutMs = ({ timeoutMs = timeoutMsDefault }: Limits) => timeoutMs + 70_000

const parse = ({ stdout }: { stdout: string }) => {
  const parts = sections(stdout)
  return {
    waitedMs: wholeNumber(parts.get('waited'), 'time waited'),
    tries: wholeNumber(parts.get('tries'), 'number of tries'),
  }
}

const shared = {
  output: Waited,
  reads: true,
  varies: { waitedMs: 'any', tries: 'any' },
  summary: { waitedMs: ['min', 'mean', 'max'] },
  display: {
    columns: [{ title: 'WAITED', get: (w: { waitedMs: number }) => `${(w.waitedMs / 1000).toFixed(1)} s` }],
  },
} as const

export const waitPort = operation({
  ...shared,
  name: 'wait.port',
  doc: 'Waits on the host until a TCP port accepts connections, or no longer does.',
  input: Type.Object(
    {
      port: Port,
      host: Type.Optional(HostName),
      state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')], { description: 'default open' })),
      ...Limits,
    },
    { additionalProperties: false },
  ),
  shell: {
    script: () => `${portProbe}
${poll('port $2 of $1 is not $3', `if probe_port "$1" "$2" 5; then why="it is open"; [ "$3" = open ]; else [ "$3" = closed ]; fi`)}`,
    args: input => [...limitArgs(input), input.host ?? '127.0.0.1', String(input.port), input.state ?? 'open'],
    timeoutMs: callTimeoutMs,
    parse,
  },
})

export const waitFile = operation({
  ...shared,
  name: 'wait.file',
  doc: 'Waits on the host until a file is there (and contains a text), or is gone.',
  input: Type.Object(
    {
      path: Type.String({ pattern: '^/', maxLength: 4096, examples: ['/run/app.ready'] }),
      contains: Type.Optional(
        Type.String({ minLength: 1, maxLength: 4096, pattern: '^[^\\n]+$', description: 'a piece of a line of it' }),
      ),
      state: Type.Optional(
        Type.Union([Type.Literal('present'), Type.Literal('absent')], { description: 'default present' }),
      ),
      ...Limits,
    },
    { additionalProperties: false },
  ),
  shell: {
    script: () =>
      poll(
        '$1 is not $2',
        `if [ ! -e "$1" ]; then why="it is not there"; [ "$2" = absent ]
  elif [ "$2" = absent ]; then why="it is there"; return 1
  elif [ -z "$3" ]; then :
  else why="it does not contain the text"; grep -qF -e "$3" "$1"; fi`,
      ),
    args: input => [...limitArgs(input), input.path, input.state ?? 'present', input.contains ?? ''],
    timeoutMs: callTimeoutMs,
    parse,
  },
})

export const waitHttp = operation({
  ...shared,
  name: 'wait.http',
  doc: 'Waits on the host until a URL answers with a status.',
  input: Type.Object(
    {
      url: Url,
      status: Type.Optional(
        Type.Integer({ minimum: 100, maximum: 999, description: 'that is waited for; default any from 200 to 399' }),
      ),
      insecure: Type.Optional(Type.Boolean({ description: 'accept any certificate' })),
      ...Limits,
    },
    { additionalProperties: false },
  ),
  shell: {
    script: () => `${httpProbe}
${poll(
  '$1 did not answer as wanted',
  `probe_http "$1" 5 GET "" "$3" || return 1
  got=\${answer%% *}; why="it answered $got"
  if [ -n "$2" ]; then [ "$got" = "$2" ]; else [ "$got" -ge 200 ] && [ "$got" -lt 400 ]; fi`,
)}`,
    args: input => [...limitArgs(input), input.url, String(input.status ?? ''), input.insecure ? 'y' : ''],
    timeoutMs: callTimeoutMs,
    parse,
  },
})

export const waitProcess = operation({
  ...shared,
  name: 'wait.process',
  doc: 'Waits on the host until a process of a name runs, or none does.',
  input: Type.Object(
    {
      name: Type.String({
        minLength: 1,
        maxLength: 255,
        pattern: '^[^\\n/]+$',
        description: 'of the program; the kernel keeps (and this compares) 15 bytes',
        examples: ['postgres'],
      }),
      state: Type.Optional(
        Type.Union([Type.Literal('running'), Type.Literal('absent')], { description: 'default running' }),
      ),
      ...Limits,
    },
    { additionalProperties: false },
  ),
  shell: {
    script: () =>
      poll(
        '$1 is not $2',
        `if cat /proc/[0-9]*/comm 2>/dev/null | grep -qxF -e "$1"; then why="it runs"; [ "$2" = running ]
  else why="it does not run"; [ "$2" = absent ]; fi`,
      ),
    args: input => [...limitArgs(input), input.name.slice(0, 15), input.state ?? 'running'],
    timeoutMs: callTimeoutMs,
    parse,
  },
})

export const waitOperations: readonly AnyOperation[] = [waitFile, waitHttp, waitPort, waitProcess]
