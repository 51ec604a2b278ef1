import { basename } from 'node:path'
import type { CreateRun } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { storeLocal } from '../files/local.ts'
import { pathIn, whereOf } from '../files/where.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'
import { bytesText } from '../render/value.ts'
import { runToEnd } from './run.ts'

export type RunLimits = {
  readonly timeout?: string
  readonly waitOnline?: string
  readonly allowNone?: boolean
  readonly json?: boolean
}
export type PlaceOptions = RunLimits & {
  readonly on?: string
  readonly mode?: string
  readonly owner?: string
  readonly group?: string
  readonly become?: string
  readonly parents?: boolean
  readonly dryRun?: boolean
}

/** Files take their time: an hour, unless told otherwise. */
export const limitsOf = ({ timeout = '1h', waitOnline, allowNone }: RunLimits) => ({
  timeoutMs: durationMs(timeout, '--timeout', { max: 86_400_000 }),
  ...(waitOnline === undefined ? {} : { waitOnline: durationMs(waitOnline, '--wait-online', { max: 86_400_000 }) }),
  ...(allowNone === true ? { allowNone: true } : {}),
})
export const bodyOf = (
  on: string,
  operation: string,
  input: object,
  options: RunLimits,
): CreateRun & { on: string } => ({
  on,
  pipeline: { kind: 'call', operation, input },
  ...limitsOf(options),
})

/** What the operations that place something have in common. */
export const placing = ({ mode, owner, group, become, parents, dryRun }: PlaceOptions) => {
  if (mode !== undefined && !/^[0-7]{3,4}$/.test(mode))
    throw usage(`--mode: \`${mode}\` is not octal permissions, such as 0644`)
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(owner === undefined ? {} : { owner }),
    ...(group === undefined ? {} : { group }),
    ...(become === undefined ? {} : { become: { user: become } }),
    ...(parents === true ? { parents: true } : {}),
    ...(dryRun === true ? { dry: true } : {}),
  }
}

/** `reops files push LOCAL --on SELECTOR:/path` */
export const pushFile = async (context: Context, local: string, options: PlaceOptions): Promise<number> => {
  const { on, path } = whereOf(options.on, '--on')
  const place = placing(options)
  const { mote } = await context.client()
  const { hash, size } = await storeLocal(context, mote, local)
  const input = { path: pathIn(path, basename(local)), hash, size, ...place }
  const create = () => mote.createRun(bodyOf(on, 'file.push', input, options))
  const { summary } = await runToEnd(context, mote, create, { ...options, asked: null })
  return summary.failed > 0 ? 1 : 0
}

/** `reops files list` */
export const listFiles = async (context: Context, options: { readonly json?: boolean }): Promise<number> => {
  const { terminal } = context
  const { mote } = await context.client()
  const files = await mote.storedFiles({ limit: 1_000 })
  if (options.json === true) printJson(terminal, files)
  else if (files.length === 0) terminal.error('no stored contents; `reops files push` stores one')
  else {
    const rows = files.map(one => [
      one.hash,
      bytesText(one.size),
      one.complete ? 'whole' : `${bytesText(one.storedBytes)} so far`,
      one.createdBy,
      ago(one.usedAt, context.now()),
    ])
    terminal.out(
      table(['SHA-256', 'SIZE', 'STATE', 'BY', 'USED'], rows, { paint: terminal.paint, width: terminal.columns }),
    )
  }
  return 0
}

/** `reops files remove HASH...` */
export const removeFiles = async (context: Context, hashes: readonly string[]): Promise<number> => {
  const bad = hashes.find(hash => !/^[0-9a-f]{64}$/.test(hash))
  if (bad !== undefined) throw usage(`\`${bad}\` is not a SHA-256 in hex; \`reops files list\` shows them`)
  const { mote } = await context.client()
  let failed = false
  for (const hash of hashes) {
    const { removed } = await mote.removeFile(hash)
    if (!removed) context.terminal.error(`reops: content ${hash} is not stored`)
    failed ||= !removed
  }
  return failed ? 1 : 0
}
