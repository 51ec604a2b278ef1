import { consoleBytesMax, type ConsoleEnd, type ConsoleOpen } from '@re-ops/protocols'
import { follow, type EventOptions } from './events.ts'
import { send, type CallOptions, type Service } from './http.ts'
import { shaped, type Shape } from './shape.ts'

/** `open` comes again when the connection was lost and is there again: what is typed goes to the newest. */
export type ConsoleEvent =
  | { readonly event: 'open'; readonly data: ConsoleOpen }
  | { readonly event: 'data'; readonly data: Uint8Array }
  | { readonly event: 'end'; readonly data: ConsoleEnd }

const openShape: Shape<ConsoleOpen> = { id: 'string', kind: 'string', input: 'boolean' }
const consolePath = (system: string) => `/v1/systems/${encodeURIComponent(system)}/console`

const read = (event: string, data: unknown, path: string): ConsoleEvent | undefined => {
  if (event === 'open') return { event, data: shaped<ConsoleOpen>(data, 'console', openShape, path) }
  if (event === 'data')
    return { event, data: Buffer.from(shaped<{ data: string }>(data, 'text', { data: 'string' }, path).data, 'base64') }
  if (event === 'end') return { event, data: shaped<ConsoleEnd>(data, 'end', {}, path) }
  return undefined
}

/** Consoles of machines. Each call throws ClientError. */
export const makeConsoleCalls = (service: Service) => ({
  /** What the machine's console says, from `open` to `end`. `force` takes it from whoever has it open. */
  console: (system: string, options: EventOptions & { readonly force?: boolean } = {}): AsyncIterable<ConsoleEvent> => {
    const { force, ...events } = options
    const path = `${consolePath(system)}${force === true ? '?force=true' : ''}`
    const last = (one: ConsoleEvent) => one.event === 'end'
    return follow<ConsoleEvent>(service, path, { read: (event, data) => read(event, data, path), last }, events)
  },
  /** Types, once: what was not answered is not sent again. */
  typeInConsole: async (system: string, id: string, bytes: Uint8Array, options: CallOptions = {}): Promise<void> => {
    const path = `${consolePath(system)}s/${encodeURIComponent(id)}`
    for (let at = 0; at < bytes.length; at += consoleBytesMax) {
      const data = Buffer.from(bytes.subarray(at, at + consoleBytesMax)).toString('base64')
      await send({ ...service, retriesMax: 0 }, { ...options, method: 'POST', path, body: { data } })
    }
  },
})
