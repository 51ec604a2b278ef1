import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openModuleFile, type ModuleFile } from '@re-ops/live/make'
import type { Enrolment, Host, Run } from '@re-ops/protocols'
import { agentProgram } from '../bundle/agent-program.ts'
import type { Proof } from '../proof/command.ts'
import { median, quantile, rounded, type Report } from '../proof/report.ts'
import type { Cluster } from '../supervisor/cluster.ts'
import { whenSaved } from './saved.ts'
import { request, withCluster } from './with-cluster.ts'

const agentsDefault = 100
const edits = 20
const warmUpEdits = 2
const onlineWithinMs = 180_000
/** Nobody saves twice in a second: before each edit the machine may come to rest, or so long passes. */
const restMaxMs = 20_000
const restBelow = 0.3

/**
 * A real re-mote and real agents, each a process of its own with its own children. An operation's file is edited on disk;
 * measured is from the save until every agent has answered with the new code.
 */
export const live: Proof = {
  doc: 'from saving an operation until all agents have answered with the new code',
  run: ({ say, flag }) =>
    withCluster(say, async cluster => {
      const count = Number(flag('agents') ?? agentsDefault)
      const agents = await startAgents(cluster, count, say)
      const path = join(cluster.state, 'ops.ts')
      writeFileSync(path, textOf('begin'))
      const file = await openModuleFile(path, cluster.state)
      try {
        return await measure(cluster, file, path, count, say)
      } finally {
        await file.close()
        for (const agent of agents) agent.kill('SIGKILL')
      }
    }),
}

const textOf = (version: string) => `import { operation, Type } from '@re-ops/pipelines'

export const version = operation({
  name: 'bench.version',
  doc: 'Which code this host has.',
  input: Type.Object({}),
  output: Type.Object({ version: Type.String() }),
  reads: true,
  shell: { command: () => ['echo', '${version}'], parse: ({ stdout }) => ({ version: stdout.trim() }) },
})
`

const startAgents = async (cluster: Cluster, count: number, say: (line: string) => void): Promise<ChildProcess[]> => {
  const program = await agentProgram()
  const body = { uses: count, labels: { bench: 'live' } }
  const { token } = await request<Enrolment>(cluster, 'POST', `${cluster.moteUrl}/v1/enrolments`, body)
  const agents = Array.from({ length: count }, (_, n) => {
    const state = join(cluster.state, `agent-${n}`)
    mkdirSync(state)
    return spawn(process.execPath, [program, '--state', state], {
      env: {
        ...process.env,
        REGENT_URL: cluster.moteUrl,
        REGENT_TOKEN: token,
        REGENT_NAME: `bench-${n}`,
        REOPS_LOG_LEVEL: 'error',
      },
      stdio: 'ignore',
    })
  })
  const from = performance.now()
  for (;;) {
    const hosts = await request<Host[]>(cluster, 'GET', `${cluster.moteUrl}/v1/hosts?on=bench%3Dlive`).catch(() => [])
    if (hosts.filter(host => host.online).length === count) break
    if (performance.now() - from > onlineWithinMs) throw new Error(`not ${count} agents within ${onlineWithinMs} ms`)
    await wait(100)
  }
  say(`${count} agents, each a real re-gent process, are online after ${Math.round(performance.now() - from)} ms`)
  return agents
}

/** The share of time that the processors were at work since the last look. */
const makeLoad = () => {
  const look = () => {
    const numbers = (/^cpu (.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? '').trim().split(/\s+/).map(Number)
    return { all: numbers.reduce((sum, one) => sum + one, 0), idle: (numbers[3] ?? 0) + (numbers[4] ?? 0) }
  }
  let last = look()
  return () => {
    const now = look()
    const busy = 1 - (now.idle - last.idle) / Math.max(1, now.all - last.all)
    last = now
    return busy
  }
}
const rest = async (): Promise<number> => {
  const load = makeLoad()
  const from = performance.now()
  for (;;) {
    await wait(1_000)
    const busy = load()
    if (busy < restBelow || performance.now() - from > restMaxMs) return busy
  }
}

type Edit = Readonly<Record<'all' | 'notice' | 'bundle' | 'push' | 'run' | 'answers', number>>
const oneEdit = async (
  cluster: Cluster,
  file: ModuleFile,
  path: string,
  version: string,
  count: number,
): Promise<Edit> => {
  const saved = whenSaved(path)
  const from = performance.now()
  writeFileSync(path, textOf(version))
  await saved
  const noticed = performance.now()
  const { hash, code, operations, limits } = await file.make()
  const made = performance.now()
  await request(cluster, 'POST', `${cluster.moteUrl}/v1/modules`, { hash, code, operations, limits })
  const pushed = performance.now()
  const pipeline = { kind: 'call', operation: 'bench.version', module: hash }
  const run = await request<Run>(cluster, 'POST', `${cluster.moteUrl}/v1/runs?wait=30`, { on: 'bench=live', pipeline })
  const ended = performance.now()
  const good = run.targets?.filter(({ value }) => (value as { version?: string } | undefined)?.version === version)
  if (good?.length !== count)
    throw new Error(
      `${good?.length ?? 0} of ${count} answered ${version}: ${JSON.stringify(run.targets?.find(one => one.state !== 'ok'))}`,
    )
  const times = (run.targets ?? []).map(one => one.ms ?? 0)
  return {
    all: ended - from,
    notice: noticed - from,
    bundle: made - noticed,
    push: pushed - made,
    run: Math.min(...times),
    answers: ended - pushed - Math.min(...times),
  }
}

const measure = async (
  cluster: Cluster,
  file: ModuleFile,
  path: string,
  count: number,
  say: (line: string) => void,
): Promise<Report> => {
  const taken: Edit[] = []
  const loads: number[] = []
  for (let n = -warmUpEdits; n < edits; n += 1) {
    const busy = await rest()
    const edit = await oneEdit(cluster, file, path, `v${n}-${Date.now()}`, count)
    if (n < 0) continue
    taken.push(edit)
    loads.push(busy)
    const parts = Object.entries(edit).map(([name, ms]) => `${name} ${Math.round(ms)}`)
    say(`edit ${n + 1}: ${parts.join(', ')} ms (machine ${Math.round(busy * 100)} % busy before)`)
  }
  const of = (part: keyof Edit, share: number) =>
    rounded(
      quantile(
        taken.map(edit => edit[part]),
        share,
      ),
    )
  return {
    name: 'live',
    measures: {
      agents: count,
      allAgentsP50Ms: of('all', 0.5),
      allAgentsP95Ms: of('all', 0.95),
      noticeP50Ms: of('notice', 0.5),
      bundleP50Ms: of('bundle', 0.5),
      pushP50Ms: of('push', 0.5),
      firstAnswerP50Ms: of('run', 0.5),
      firstToLastAnswerP50Ms: of('answers', 0.5),
      busyBeforeP50: rounded(median(loads)),
    },
    aims: { allAgentsP95Ms: { atMost: 400 } },
  }
}
