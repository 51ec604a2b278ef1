import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Enrolment, Host } from '@re-ops/protocols'
import { agentProgram } from '../bundle/agent-program.ts'
import type { Proof } from '../proof/command.ts'
import { median, rounded } from '../proof/report.ts'
import type { Cluster } from '../supervisor/cluster.ts'
import { request, withCluster } from './with-cluster.ts'

const starts = 10
const idleMs = 3_000
const pollMs = 5
const onlineWithinMs = 20_000

const residentMiB = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024

const ended = (child: ChildProcess) =>
  new Promise<void>(resolve => (child.exitCode === null ? child.once('exit', () => resolve()) : resolve()))

/** Milliseconds from the start of the process until re-mote has its session. */
const online = async (cluster: Cluster, child: ChildProcess, from: number): Promise<number> => {
  const until = from + onlineWithinMs
  while (performance.now() < until) {
    const hosts = await request<Host[]>(cluster, 'GET', `${cluster.moteUrl}/v1/hosts`)
    if (hosts.some(host => host.online && host.pid === child.pid)) return performance.now() - from
    await wait(pollMs)
  }
  throw new Error(`the agent was not online within ${onlineWithinMs / 1000} s`)
}

/** What an agent costs a host that does nothing, and how long after its start it can be used. */
export const agent: Proof = {
  doc: 'idle memory of an agent, and start to hello',
  run: ({ say }) =>
    withCluster(say, async cluster => {
      const program = await agentProgram()
      const state = join(cluster.state, 'bench-agent')
      mkdirSync(state, { recursive: true, mode: 0o700 })
      const { token } = await request<Enrolment>(cluster, 'POST', `${cluster.moteUrl}/v1/enrolments`, {})
      const start = () =>
        spawn(process.execPath, [program, '--state', state], {
          env: { ...process.env, REGENT_URL: cluster.moteUrl, REGENT_TOKEN: token, REGENT_NAME: 'bench-agent' },
          stdio: 'ignore',
        })
      const startsMs: number[] = []
      const idleMiB: number[] = []
      for (let n = 0; n <= starts; n += 1) {
        const from = performance.now()
        const child = start()
        const ms = await online(cluster, child, from)
        if (n === 0) say(`first start, with enrolment: ${rounded(ms)} ms`)
        else startsMs.push(ms)
        if (n % 5 === 0) {
          await wait(idleMs)
          idleMiB.push(residentMiB(child.pid as number))
        }
        child.kill('SIGTERM')
        await ended(child)
      }
      return {
        name: 'agent',
        measures: {
          idleRssMB: rounded((median(idleMiB) * 1024 * 1024) / 1e6),
          startToHelloP50Ms: rounded(median(startsMs)),
          startToHelloMaxMs: rounded(Math.max(...startsMs)),
        },
        aims: { idleRssMB: { atMost: 60 } },
      }
    }),
}
