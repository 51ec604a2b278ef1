import type { Mote } from '@re-ops/client'
import type { EnrolmentInfo } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { labelsOf, wholeNumber } from '../arguments/labels.ts'
import { printJson, type Context } from '../context.ts'
import { Fault, usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago, count, duration, labelsText } from '../render/units.ts'

export type EnrolmentOptions = {
  readonly json?: boolean
  readonly name?: string
  readonly label?: readonly string[]
  readonly uses?: string
  readonly ttl?: string
  readonly source?: readonly string[]
}

/** Makes a join token. It is shown this once; the service keeps only its hash. */
export const createEnrolment = async (context: Context, options: EnrolmentOptions): Promise<number> => {
  const body = {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.label?.length ? { labels: labelsOf(options.label) } : {}),
    ...(options.uses === undefined ? {} : { uses: wholeNumber(options.uses, '--uses', 1, 100_000) }),
    ...(options.ttl === undefined ? {} : { ttlMs: durationMs(options.ttl, '--ttl', { min: 1000 }) }),
    ...(options.source?.length ? { sources: [...options.source] } : {}),
  }
  const { mote } = await context.client()
  const { terminal } = context
  const enrolment = await mote.createEnrolment(body)
  if (enrolment.token === undefined) throw new Fault(3, 're-mote answered without a token')
  if (options.json === true) {
    printJson(terminal, enrolment)
    return 0
  }
  const url = context.cluster().moteUrl ?? ''
  terminal.out(`${enrolment.token}\n`)
  terminal.error(
    [
      `for ${count(enrolment.usesLeft, 'host')}, until ${enrolment.expiresAt}; shown this once. On the host:`,
      `  REGENT_URL=${url} REGENT_TOKEN=<token> node apps/re-gent/src/main.ts --state /var/lib/re-gent`,
      ...(/\/\/(127\.|localhost|\[::1\])/.test(url)
        ? [
            `note: ${url} is this machine alone; hosts elsewhere need an address of re-mote they can reach (REMOTE_HOST, REMOTE_BROKER_ADVERTISE)`,
          ]
        : []),
    ].join('\n'),
  )
  return 0
}

const until = (one: EnrolmentInfo, nowMs: number): string => {
  const left = Date.parse(one.expiresAt) - nowMs
  return left > 0 ? `in ${duration(left)}` : ago(one.expiresAt, nowMs)
}

type ListOptions = { readonly json?: boolean; readonly all?: boolean; readonly limit?: string }
export const listEnrolments = async (context: Context, options: ListOptions): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const limit = wholeNumber(options.limit ?? '100', '--limit', 1, 1_000)
  const all = await mote.enrolments({ limit, ...(options.all === true ? {} : { open: true }) })
  if (options.json === true) {
    printJson(terminal, all)
    return 0
  }
  if (all.length === 0) {
    terminal.error('no enrolments that let a host in; `reops enrolments create` makes one, `--all` shows earlier ones')
    return 0
  }
  const { paint, columns } = terminal
  terminal.out(
    table(
      ['ENROLMENT', 'STATE', 'LEFT', 'NAME', 'LABELS', 'FROM', 'BY', 'EXPIRES'],
      all.map(one => [
        one.id,
        one.state,
        `${one.usesLeft}/${one.uses}`,
        one.name ?? '',
        labelsText(one.labels),
        one.sources.join(' '),
        one.createdBy,
        until(one, context.now()),
      ]),
      { paint, width: columns, colour: at => (all[at]?.state === 'open' ? text => text : paint.dim) },
    ),
  )
  terminal.out(`${count(all.length, 'enrolment')}\n`)
  return 0
}

const searchedMax = 1_000
/** An id, or the one enrolment whose id begins or ends so. */
const find = async (mote: Mote, word: string): Promise<EnrolmentInfo> => {
  const found = (await mote.enrolments({ limit: searchedMax })).filter(
    one => one.id.startsWith(word) || one.id.endsWith(word),
  )
  const [only, another] = found
  if (!only) throw usage(`no enrolment is called ${word}; \`reops enrolments list --all\` shows what there is`)
  if (another) throw usage(`${found.length} enrolments fit ${word}; give more of the id`)
  return only
}

export const revokeEnrolment = async (context: Context, word: string, options: { json?: boolean }): Promise<number> => {
  const { mote } = await context.client()
  const { id } = await find(mote, word)
  const revoked = await mote.revokeEnrolment(id)
  if (options.json === true) printJson(context.terminal, revoked)
  else context.terminal.out(`${id}  revoked\n`)
  return 0
}
