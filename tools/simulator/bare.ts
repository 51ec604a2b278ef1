import { fork } from 'node:child_process'
import { roomy } from './roomy.ts'

export type BareOrder = { readonly agents: number; readonly endpoint: string; readonly serverKey: string }
export type BareFleet = { pids(): readonly number[]; stop(): Promise<void> }

/**
 * As many processes as a fleet would take, with bare zeromq.js DEALERs (CURVE) in them. Each says `ready` once and then
 * sends back every message of one frame.
 */
export const startBareFleet = ({
  agents,
  processes,
  endpoint,
  serverKey,
}: BareOrder & { readonly processes: number }) => {
  const share = Math.ceil(agents / processes)
  const children = Array.from({ length: Math.ceil(agents / share) }, (_, at) => {
    const child = fork(new URL('./bare-process.ts', import.meta.url), {
      ...roomy,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const order: BareOrder = { agents: Math.min(share, agents - at * share), endpoint, serverKey }
    child.send(order)
    return { child, exited: new Promise<void>(done => child.once('exit', () => done())) }
  })
  return {
    pids: () => children.map(({ child }) => child.pid ?? 0),
    stop: async () => {
      for (const { child } of children) child.kill('SIGKILL')
      await Promise.all(children.map(({ exited }) => exited))
    },
  } satisfies BareFleet
}
