import type { Run } from '@re-ops/protocols'
import type { Rig } from './rig.ts'

const ping = { on: 'simulated=true', pipeline: { kind: 'call', operation: 'ping' } }

/** One run on all agents through HTTP, to the last committed result. */
export const runOnce = async ({ agents, mote }: Rig): Promise<{ ms: number; run: string }> => {
  const from = performance.now()
  const { body } = await mote.ask('POST', '/v1/runs?wait=60', { body: ping })
  const ms = performance.now() - from
  const { id, summary } = body as Run
  if (summary?.ok !== agents) {
    const said = mote.log().split('\n').slice(-12).join('\n')
    throw new Error(`the run did not succeed: ${JSON.stringify(summary ?? body).slice(0, 400)}\n${said}`)
  }
  return { ms, run: id }
}
