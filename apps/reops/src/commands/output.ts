import { isClientError, type Mote } from '@re-ops/client'
import type { Target } from '@re-ops/protocols'
import type { Context } from '../context.ts'
import { Fault, usage } from '../fault.ts'
import { idOf } from './runs.ts'

export type OutputOptions = { readonly stderr?: boolean; readonly follow?: boolean }
type StreamName = 'stdout' | 'stderr'

const followedMax = 32

/** What the commands of a run write or wrote: of one host as it is, of several with each line behind its host's name. */
export const showOutput = async (
  context: Context,
  word: string,
  names: readonly string[],
  options: OutputOptions,
): Promise<number> => {
  const { mote } = await context.client()
  const run = await mote.run(await idOf(mote, word))
  const targets =
    names.length === 0 ? (run.targets ?? []) : names.map(name => targetNamed(run.targets ?? [], name, word))
  if (targets.length > followedMax)
    throw usage(`${targets.length} hosts are too many to read at a time; name at most ${followedMax} of them`)
  const stream: StreamName = options.stderr === true ? 'stderr' : 'stdout'
  const leave = new AbortController()
  const release = context.interruptible(() => leave.abort())
  try {
    await followTargets(context, mote, { run: run.id, targets, stream, signal: leave.signal })
    return 0
  } finally {
    release()
  }
}

const targetNamed = (targets: readonly Target[], name: string, word: string): Target => {
  const found = targets.find(({ host }) => host.name === name || host.id === name)
  if (!found) throw usage(`run \`${word}\` has no host \`${name}\`; \`reops runs show ${word}\` lists them`)
  return found
}

type Followed = {
  readonly run: string
  readonly targets: readonly Target[]
  readonly stream: StreamName
  readonly signal: AbortSignal
}

/** Until each of them has written its last. Ends without an error when `signal` does. */
export const followTargets = async (context: Context, mote: Mote, followed: Followed): Promise<void> => {
  const { targets, signal } = followed
  const alone = targets.length === 1
  const width = Math.max(0, ...targets.map(({ host }) => host.name.length))
  const follow = async (target: Target) => {
    const lines = alone ? null : makeLines(context, target.host.name.padEnd(width))
    const write = (bytes: Uint8Array) => (lines ? lines.put(bytes) : context.terminal.write(bytes))
    await copy(context, mote, followed, target, write)
    lines?.end()
  }
  try {
    await Promise.all(targets.map(follow))
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Reads on where a connection broke; what is not kept apart is in the result. */
const copy = async (
  context: Context,
  mote: Mote,
  { run, stream, signal }: Followed,
  { host }: Target,
  write: (bytes: Uint8Array) => void | Promise<void>,
): Promise<void> => {
  let at = 0
  for (;;) {
    try {
      const { bytes, end } = await mote.output(run, host.id, { stream, at, signal })
      for await (const part of bytes) {
        at += part.byteLength
        await write(part)
      }
      if (end === 'cut') context.terminal.error(`reops: ${host.name}: cut here, at the limit of what is kept`)
      if (end !== undefined) return
    } catch (error) {
      if (!isClientError(error, 'problem') || error.status !== 404) throw error
      const rest = Buffer.from(await inResult(mote, run, host, stream, error.message)).subarray(at)
      await write(rest)
      return
    }
  }
}

/** The stream as the result has it: all of it, when no more is kept elsewhere. */
const inResult = async (
  mote: Mote,
  run: string,
  { id, name }: Target['host'],
  stream: StreamName,
  why: string,
): Promise<string> => {
  const target = (await mote.run(run)).targets?.find(one => one.host.id === id)
  const value = target?.value as Readonly<Record<string, unknown>> | undefined
  const text = value?.[stream]
  if (typeof text === 'string') return text
  const tail = stream === 'stderr' ? target?.failure?.stderrTail : undefined
  if (tail !== undefined) return tail
  if (target?.failure) return ''
  throw new Fault(1, `${name}: ${why}`)
}

/** Whole lines, each behind a name. */
const makeLines = ({ terminal }: Context, name: string) => {
  const decoder = new TextDecoder()
  let rest = ''
  const say = (line: string) => terminal.out(`${terminal.paint.dim(`${name} |`)} ${line}\n`)
  return {
    put: (bytes: Uint8Array) => {
      const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) say(line)
    },
    end: () => {
      if (rest !== '') say(rest)
    },
  }
}
