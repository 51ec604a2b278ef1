import { realClock } from '../shared/clock.ts'
import { json, serve, type Asked, type Reply } from '../shared/serve.ts'
import { startPrism } from './prism.ts'

/** prism, and what stands behind it: the stand-ins it is shared by, told apart by a header. */
export type Gate = {
  through(id: string, asked: Asked): Promise<Reply>
  /** Lets a stand-in be found behind the gate, until the answer is called. */
  open(id: string, to: (asked: Asked) => Reply): () => void
  stop(): Promise<void>
}

const idHeader = 'x-stand-in'
const ofTheHop = ['host', 'connection', 'content-length', 'transfer-encoding']
/** Starts prism before all stand-ins that name it. */
export const startGate = async (): Promise<Gate> => {
  const open = new Map<string, (asked: Asked) => Reply>()
  const behind = await serve<never>({
    clock: realClock(),
    mishap: () => null,
    apply: asked => open.get(asked.headers[idHeader] ?? '')?.(asked) ?? json(502, { id: 'no_stand_in', message: '' }),
    applyLate: () => {},
    refuse: () => json(500, {}),
  })
  const prism = await startPrism(behind.url).catch(async (error: unknown) => {
    await behind.stop()
    throw error
  })
  return {
    open: (id, to) => (open.set(id, to), () => void open.delete(id)),
    through: async (id, asked) => {
      const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => !ofTheHop.includes(name)))
      const reply = await fetch(`${prism.url}${asked.path}`, {
        method: asked.method,
        headers: { ...headers, [idHeader]: id },
        ...(asked.body.length === 0 ? {} : { body: asked.body }),
      })
      const kept = [...reply.headers].filter(([name]) =>
        /^(content-type$|ratelimit-|retry-after$|sl-violations$)/.test(name),
      )
      return { status: reply.status, headers: Object.fromEntries(kept), body: await reply.text() }
    },
    stop: async () => {
      await prism.stop()
      await behind.stop()
    },
  }
}
