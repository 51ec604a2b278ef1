import type { SystemQuota } from '@re-ops/protocols'
import { wholeNumber } from '../arguments/labels.ts'
import { printJson, type Context } from '../context.ts'
import { table } from '../render/table.ts'

type Options = { readonly json?: boolean }

const show = ({ terminal }: Context, quotas: readonly SystemQuota[]): void =>
  terminal.out(
    table(
      ['SUBJECT', 'SYSTEMS', 'AT MOST'],
      quotas.map(({ subject, used, maxSystems }) => [
        subject,
        subject === '*' ? '-' : String(used),
        maxSystems === null ? '-' : String(maxSystems),
      ]),
      {
        paint: terminal.paint,
        width: terminal.columns,
        colour: at => {
          const { used = 0, maxSystems = null } = quotas[at] ?? {}
          return maxSystems !== null && used >= maxSystems && used > 0 ? terminal.paint.bad : text => text
        },
      },
    ),
  )

export const listQuotas = async (context: Context, { json }: Options): Promise<number> => {
  const quotas = await (await context.client()).core.quotas()
  if (json === true) printJson(context.terminal, quotas)
  else if (quotas.length > 0) show(context, quotas)
  else context.terminal.error('no quotas; for example: reops quotas set ci --max-systems 20')
  return 0
}

export const setQuota = async (
  context: Context,
  subject: string,
  options: Options & { readonly maxSystems?: string },
): Promise<number> => {
  const maxSystems = wholeNumber(options.maxSystems ?? '', '--max-systems', 0, 10_000)
  const quota = await (await context.client()).core.putQuota(subject, maxSystems)
  if (options.json === true) printJson(context.terminal, quota)
  else show(context, [quota])
  return 0
}

export const removeQuota = async (context: Context, subject: string, options: Options): Promise<number> => {
  await (await context.client()).core.removeQuota(subject)
  if (options.json === true) printJson(context.terminal, { subject, removed: true })
  else context.terminal.out(`${subject}  quota removed\n`)
  return 0
}
