import { program, type Ended } from '../testing.ts'

/** Where the services are, and a token: what `reops` is given. */
export type Reach = () => Promise<Readonly<Record<string, string>>>

/** All that a service answered, streamed and printed, in order. */
export const makeSaid = (reach: Reach) => {
  const said: string[] = []
  return {
    said,
    /** What stands behind the ? was asked, not answered. */
    reply: <R>(method: string, path: string, reply: R): R => {
      said.push(`${method} ${path.split('?')[0]}: ${JSON.stringify(reply)}`)
      return reply
    },
    /** Listens until the service ends. */
    follow: async (url: string, token: string): Promise<void> => {
      const reply = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
      const decoder = new TextDecoder()
      for await (const chunk of reply.body ?? []) said.push(`event: ${decoder.decode(chunk as Uint8Array)}`)
    },
    metrics: async (url: string): Promise<void> => void said.push(await (await fetch(`${url}/metrics`)).text()),
    reops: async (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> => {
      const ended = await program('apps/reops/bin/reops.mjs', args, { ...(await reach()), ...more })
      said.push(`reops ${args[0]}: ${ended.code} ${ended.out} ${ended.error}`)
      return ended
    },
  }
}
