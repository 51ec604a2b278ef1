import { durationMs } from '../arguments/duration.ts'
import { labelsOf, wholeNumber } from '../arguments/labels.ts'
import { printJson, type Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { count } from '../render/units.ts'

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
