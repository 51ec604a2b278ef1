import type { Mote } from '@re-ops/client'
import type { AuditItem } from '@re-ops/protocols'
import { wholeNumber } from '../arguments/labels.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'

type Options = { readonly json?: boolean; readonly host?: string; readonly action?: string; readonly limit?: string }

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Names of hosts by id: those that are there now. */
const namesOf = async (mote: Mote): Promise<Map<string, string>> =>
  new Map((await mote.hosts()).map(host => [host.id, host.name]))

const idOf = (names: ReadonlyMap<string, string>, word: string): string => {
  const found = [...names].filter(([, name]) => name === word)
  const [only, another] = found
  if (uuid.test(word)) return word // also of one that is gone
  if (!only) throw usage(`no host is called ${word}; one that was revoked is asked for by its id`)
  if (another) throw usage(`${found.length} hosts are called ${word}; give an id`)
  return only[0]
}

const detailText = (detail: AuditItem['detail']): string =>
  Object.entries(detail)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')

export const showAudit = async (context: Context, options: Options): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const limit = wholeNumber(options.limit ?? '30', '--limit', 1, 1_000)
  const names = await namesOf(mote)
  const items = await mote.audit({
    limit,
    ...(options.host === undefined ? {} : { host: idOf(names, options.host) }),
    ...(options.action === undefined ? {} : { action: options.action }),
  })
  if (options.json === true) {
    printJson(terminal, items)
    return 0
  }
  if (items.length === 0) {
    terminal.error('nothing in the audit fits')
    return 0
  }
  terminal.out(
    table(
      ['WHEN', 'ACTION', 'HOST', 'BY', 'DETAIL'],
      items.map(item => [
        ago(item.at, context.now()),
        item.action,
        item.host === null ? '' : (names.get(item.host) ?? item.host),
        item.subject ?? '',
        detailText(item.detail),
      ]),
      { paint: terminal.paint, width: terminal.columns },
    ),
  )
  return 0
}
