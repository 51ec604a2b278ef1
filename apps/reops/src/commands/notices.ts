import { wholeNumber } from '../arguments/labels.ts'
import { printJson, type Context } from '../context.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'

/** What re-core did, or refused to do, by itself. */
export const listNotices = async (
  context: Context,
  options: { readonly json?: boolean; readonly limit?: string },
): Promise<number> => {
  const limit = options.limit === undefined ? 50 : wholeNumber(options.limit, '--limit', 1, 10_000)
  const { terminal, now } = context
  const notices = await (await context.client()).core.notices({ limit })
  if (options.json === true) printJson(terminal, notices)
  else if (notices.length === 0) terminal.error('nothing happened by itself in the last 30 days')
  else
    terminal.out(
      table(
        ['WHEN', 'WHAT', 'ACCOUNT', 'MACHINE', 'TEXT'],
        notices.map(one => [ago(one.at, now()), one.kind, one.account ?? '', one.ref ?? '', one.text]),
        { paint: terminal.paint, width: terminal.columns, colour: () => text => text },
      ),
    )
  return 0
}
