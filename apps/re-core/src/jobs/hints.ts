import { setTimeout as pause } from 'node:timers/promises'
import { Id } from '@re-ops/protocols'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'

const Hint = Compile(Type.Object({ system: Type.Union([Id, Type.Null()]) }))
const bytesMax = 1_048_576
const pauseMsMax = 5_000

export type HintDeps = {
  readonly url: string
  readonly token: () => Promise<string>
  readonly random: () => number
  /** Something happened to the host of this system. May come twice, late, or never. */
  readonly onSystem: (id: string) => void
  /** re-mote can be reached (again). */
  readonly onOpen: () => void
}

/** The data of each `host` event in the text so far, and what is left of it. */
export const hostEvents = (text: string): { data: string[]; rest: string } => {
  const blocks = text.split(/\r?\n\r?\n/)
  const rest = blocks.pop() ?? ''
  const data = blocks.flatMap(block => {
    const lines = block.split(/\r?\n/)
    if (!lines.some(line => /^event: ?host$/.test(line))) return []
    return [
      lines
        .filter(line => line.startsWith('data:'))
        .map(line => line.slice(5).trimStart())
        .join('\n'),
    ]
  })
  return { data, rest }
}

const systemOf = (data: string): string | null => {
  try {
    const hint: unknown = JSON.parse(data)
    return Hint.Check(hint) ? hint.system : null
  } catch {
    return null // a hint that cannot be read is no hint
  }
}

const follow = async ({ url, token, onSystem }: HintDeps, signal: AbortSignal, onOpen: () => void): Promise<void> => {
  const reply = await fetch(`${url}/v1/events?only=host`, {
    headers: { authorization: `Bearer ${await token()}` },
    signal,
  })
  if (!reply.ok || reply.body === null) throw new Error(`re-mote answers ${reply.status}`)
  onOpen()
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of reply.body) {
    text += decoder.decode(chunk, { stream: true })
    const { data, rest } = hostEvents(text)
    text = rest.length > bytesMax ? '' : rest
    for (const system of data.map(systemOf)) if (system !== null) onSystem(system)
  }
}

/** Follows re-mote's events for ever, so that "ready" comes within milliseconds; polling stays the truth. */
export const followHints = async (deps: HintDeps, signal: AbortSignal): Promise<void> => {
  let failures = 0
  while (!signal.aborted) {
    try {
      await follow(deps, signal, () => {
        failures = 0
        deps.onOpen()
      })
    } catch {
      failures += 1 // re-mote is away; those who wait for it say so in their reasons
    }
    const ms = Math.min(pauseMsMax, 100 * 2 ** Math.min(failures, 6)) * (0.5 + deps.random())
    await pause(ms, null, { signal }).catch(() => null)
  }
}
