import { consoleBytesMax, ConsoleData, Id } from '@re-ops/protocols'
import { openEvents, type App, type EventStream } from '@re-ops/service'
import { Type } from 'typebox'
import { makeConsoles, type OpenedConsole } from '../services/consoles.ts'
import { WhichSystem } from './systems.ts'

// To read it is to see what root types.
const write = { scope: 'systems:write' } as const
const How = Type.Object({
  force: Type.Optional(Type.Boolean({ description: 'take it from whoever has it open' })),
})
const WhichConsole = Type.Object({ ...WhichSystem.properties, console: Id })

/** What the machine writes goes to the reader as fast as that takes it. */
const copy = async ({ output }: OpenedConsole, stream: EventStream): Promise<void> => {
  for await (const bytes of output)
    for (let at = 0; at < bytes.length; at += consoleBytesMax) {
      await stream.room()
      const data = Buffer.from(bytes.subarray(at, at + consoleBytesMax)).toString('base64')
      if (!stream.send('data', { data })) return
    }
}

const follow = async (console: OpenedConsole, stream: EventStream): Promise<void> => {
  const { id, kind, input } = console
  stream.closed.addEventListener('abort', console.close, { once: true })
  stream.send('open', { id, kind, input })
  try {
    await copy(console, stream)
    stream.send('end', { why: null })
  } catch (error) {
    stream.send('end', { why: (error as Error).message.slice(0, 300) })
  } finally {
    console.close()
    stream.end()
  }
}

/** `GET` follows a machine's console, `POST` types into it. */
export const consoleRoutes = (app: App, deps: Parameters<typeof makeConsoles>[0]): void => {
  const consoles = makeConsoles(deps)
  app.addHook('preClose', async () => consoles.closeAll())
  app.get(
    '/v1/systems/:system/console',
    {
      config: write,
      schema: {
        summary: 'Its console (SSE): `open` first, then `data` as it is written, `end` last',
        params: WhichSystem,
        querystring: How,
      },
    },
    async (request, reply) => {
      const { subject } = request.caller
      const console = await consoles.open(request.params.system, { force: request.query.force ?? false, subject })
      request.log.info({ system: request.params.system, subject, kind: console.kind }, 'a console is open')
      const stream = openEvents(request, reply)
      // Gone while it was opened: nobody will tell.
      if (reply.raw.destroyed) console.close()
      else void follow(console, stream)
      return reply
    },
  )
  app.post(
    '/v1/systems/:system/consoles/:console',
    {
      config: write,
      schema: {
        summary: 'Type into a console that is open; one after the other, or they arrive as they come',
        params: WhichConsole,
        body: ConsoleData,
        response: { 204: Type.Null() },
      },
    },
    async ({ params, body, caller }, reply) => {
      await consoles.type(params.system, params.console, { data: body.data, subject: caller.subject })
      return reply.code(204).send(null)
    },
  )
}
