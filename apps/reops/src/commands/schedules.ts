import type { AgentScheduleInfo } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { inputOf } from '../arguments/input.ts'
import { wholeNumber } from '../arguments/labels.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'
import { ago, count, duration } from '../render/units.ts'

type Options = { readonly json?: boolean }

const lastOf = ({ hosts }: AgentScheduleInfo): string | null =>
  hosts.reduce<string | null>((last, { lastAt }) => (lastAt !== null && lastAt > (last ?? '') ? lastAt : last), null)
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)

export const listSchedules = async (context: Context, options: Options): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const all = await mote.agentSchedules()
  if (options.json === true) {
    printJson(terminal, all)
    return 0
  }
  if (all.length === 0) {
    terminal.error('no schedules of agents; for example: reops schedules create mem --agent memory --every 10s')
    return 0
  }
  const { paint, columns } = terminal
  terminal.out(
    table(
      ['SCHEDULE', 'EVERY', 'OPERATION', 'ON', 'HOSTS', 'SAMPLES', 'DROPPED', 'LAST'],
      all.map(one => [
        one.name,
        duration(one.everyMs),
        one.operation,
        one.on,
        String(one.hosts.length),
        String(sum(one.hosts.map(host => host.samples))),
        String(sum(one.hosts.map(host => host.dropped))),
        ago(lastOf(one), context.now()),
      ]),
      { paint, width: columns },
    ),
  )
  terminal.out(`${count(all.length, 'schedule')}\n`)
  return 0
}

type CreateOptions = Options & {
  readonly agent: string
  readonly every: string
  readonly on: string
  readonly timeout?: string
  readonly keep?: string
}
export const createSchedule = async (
  context: Context,
  [name = '', ...inputs]: readonly string[],
  options: CreateOptions,
): Promise<number> => {
  const body = {
    name,
    on: options.on,
    operation: options.agent,
    everyMs: durationMs(options.every, '--every', { min: 1_000, max: 86_400_000 }),
    ...(options.timeout === undefined
      ? {}
      : { timeoutMs: durationMs(options.timeout, '--timeout', { max: 86_400_000 }) }),
    ...(options.keep === undefined ? {} : { keepMs: durationMs(options.keep, '--keep', { min: 60_000 }) }),
  }
  const { mote } = await context.client()
  const info = inputs.length === 0 ? undefined : (await mote.operations()).find(one => one.name === options.agent)
  if (inputs.length > 0 && !info) throw usage(`unknown operation \`${options.agent}\`; \`reops operations\` lists them`)
  const made = await mote.createAgentSchedule(info ? { ...body, input: inputOf(info.name, info.input, inputs) } : body)
  if (options.json === true) printJson(context.terminal, made)
  else context.terminal.out(`${made.name}  ${made.operation} every ${duration(made.everyMs)} on ${made.on}\n`)
  return 0
}

type ShowOptions = Options & { readonly host?: string; readonly limit?: string }
export const showSchedule = async (context: Context, name: string, options: ShowOptions): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const limit = wholeNumber(options.limit ?? '20', '--limit', 1, 10_000)
  const word = options.host
  const host = word === undefined ? undefined : (await mote.hosts()).find(one => one.name === word || one.id === word)
  if (word !== undefined && !host) throw usage(`no host is called ${word}; \`reops hosts\` shows what there is`)
  const samples = await mote.samples(name, { limit, ...(host ? { host: host.id } : {}) })
  if (options.json === true) {
    printJson(terminal, samples)
    return 0
  }
  if (samples.length === 0) {
    terminal.error(`${name} has no samples yet`)
    return 0
  }
  terminal.out(
    table(
      ['AT', 'HOST', 'N', 'VALUE'],
      samples.map(one => [
        one.at.replace('T', ' ').replace('Z', ''),
        one.host.name,
        String(one.n),
        one.failure ?? JSON.stringify(one.value),
      ]),
      {
        paint: terminal.paint,
        width: terminal.columns,
        colour: at => (samples[at]?.failure === undefined ? text => text : terminal.paint.bad),
      },
    ),
  )
  return 0
}

export const removeSchedule = async (context: Context, name: string, options: Options): Promise<number> => {
  const { mote } = await context.client()
  await mote.removeAgentSchedule(name)
  if (options.json === true) printJson(context.terminal, { name, removed: true })
  else context.terminal.out(`${name}  removed\n`)
  return 0
}
