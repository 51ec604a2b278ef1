import type { Run } from '@re-ops/protocols'
import { median, rounded } from '../../proof/report.ts'
import { addHosts, startLab } from '../ssh-lab.ts'
import { watchLoopDelay } from './loop-delay.ts'
import type { Rig } from './rig.ts'
import { runOnce } from './run-once.ts'

const hosts = 100
const rounds = 5

/**
 * A command on 100 real sshd, over connections that do not stand yet, while the whole fleet is pinged: how late the broker's event loop is
 * meanwhile (the worst second's p99, ms), and how long the commands take.
 */
export const besideColdSsh = async (rig: Rig): Promise<{ loopDelayP99Ms: number; coldSshMs: number }> => {
  const lab = await startLab(hosts)
  try {
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await rig.mote.ask(method, path, body === undefined ? {} : { body })
      if (answer.status >= 300)
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`)
      return answer.body
    }
    await addHosts(lab, ask)
    const once = async () => {
      const from = performance.now()
      const pipeline = { kind: 'call', operation: 'shell', input: { argv: ['true'] } }
      const run = (await ask('POST', '/v1/runs?wait=60', { on: 'lab=ssh', pipeline })) as Run
      if (run.summary.ok !== hosts) throw new Error(`over SSH not all are ok: ${JSON.stringify(run.summary)}`)
      return performance.now() - from
    }
    const delay = watchLoopDelay(rig.mote)
    const took: number[] = []
    for (let n = 0; n < rounds; n += 1) {
      await ask('DELETE', '/v1/ssh/connections')
      const [ms] = await Promise.all([once(), runOnce(rig)])
      took.push(ms)
    }
    return { loopDelayP99Ms: rounded(await delay.stop()), coldSshMs: rounded(median(took)) }
  } finally {
    await lab.stop()
  }
}
