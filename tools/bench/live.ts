import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openModuleFile, type ModuleFile } from '@re-ops/live/make'
import { endsWithUs } from '@re-ops/live/runner'
import type { Enrolment, Host, Run } from '@re-ops/protocols'
import { agentProgram } from '../bundle/agent-program.ts'
import type { Proof } from '../proof/command.ts'
import { quantile, rounded, type Report } from '../proof/report.ts'
import type { Cluster } from '../supervisor/cluster.ts'
import { processorMs } from './processor-time.ts'
import { whenSaved } from './saved.ts'
import { request, withCluster } from './with-cluster.ts'

const agentsDefault = 100
const edits = 20
/**
 * Not counted, and told apart: in a virtual machine that has lain idle, memory that was not used for long is the host's again, and a hundred hosts' processes
 * (5 GB) get it back page by page: a fifth of the processor in the first edits, a fortieth after the tenth.
 */
const warmUpEdits = 12
const onlineWithinMs = 180_000
/**
 * Between two edits a person thinks, and each host makes the process that the next module will run in: a hundred of them, on
 * this one machine. So long passes at least, then until the machine is at rest, or so long at most.
 */
const restMinMs = 5_000
const restMaxMs = 25_000
const restBelow = 0.3

/**
 * A real re-mote and real agents, each a process of its own with its own children. An operation's file is edited on disk;
 * measured is from the save until every agent has answered with the new code. The aim is held by a native form: with a
 * shell form a hundred hosts start their command on this one machine as well, which is measured beside it.
 */
export const live: Proof = {
  doc: 'from saving an operation until all agents have answered with the new code',
  run: ({ say, flag }) =>
    withCluster(say, async cluster => {
      const count = Number(flag('agents') ?? agentsDefault)
      const times = Number(flag('edits') ?? edits)
      const agents = await startAgents(cluster, count, say)
      const path = join(cluster.state, 'ops.ts')
      writeFileSync(path, textOf('native', 'begin'))
      const file = await openModuleFile(path, cluster.state)
      const bench = { cluster, file, path, count, say }
      try {
        const warmUp = await series(bench, 'native', 'warm-up', warmUpEdits)
        const native = await series(bench, 'native', 'native', times)
        const shell = await series(bench, 'shell', 'shell', Math.ceil(times / 2))
        return reportOf(count, { warmUp, native, shell })
      } finally {
        await file.close()
        for (const agent of agents) agent.kill('SIGKILL')
      }
    }),
}

type Form = 'native' | 'shell'
type Bench = {
  readonly cluster: Cluster
  readonly file: ModuleFile
  readonly path: string
  readonly count: number
  say(line: string): void
}
const forms = {
  native: (version: string) => `native: async () => ({ version: '${version}' }),`,
  shell: (version: string) =>
    `shell: { command: () => ['echo', '${version}'], parse: ({ stdout }) => ({ version: stdout.trim() }) },`,
}
const textOf = (form: Form, version: string) => `import { operation, Type } from '@re-ops/pipelines'

export const version = operation({
  name: 'bench.version',
  doc: 'Which code this host has.',
  input: Type.Object({}),
  output: Type.Object({ version: Type.String() }),
  reads: true,
  ${forms[form](version)}
})
`

const startAgents = async (cluster: Cluster, count: number, say: (line: string) => void): Promise<ChildProcess[]> => {
  const program = await agentProgram()
  const body = { uses: count, labels: { bench: 'live' } }
  const { token } = await request<Enrolment>(cluster, 'POST', `${cluster.moteUrl}/v1/enrolments`, body)
  const agents = Array.from({ length: count }, (_, n) => {
    const state = join(cluster.state, `agent-${n}`)
    mkdirSync(state)
    // A hundred agents must not stay behind when somebody presses Ctrl-C.
    const [command, ...args] = endsWithUs([process.execPath, program, '--state', state]) as [string, ...string[]]
    return spawn(command, args, {
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
  await wait(restMinMs)
  load()
  for (;;) {
    await wait(500)
    const busy = load()
    if (busy < restBelow || performance.now() - from > restMaxMs) return busy
  }
}

type Edit = Readonly<
  Record<'all' | 'notice' | 'bundle' | 'push' | 'first' | 'others' | 'processor' | 'busyBefore', number>
>
const oneEdit = async ({ cluster, file, path, count }: Bench, form: Form, version: string): Promise<Edit> => {
  const busyBefore = await rest()
  const saved = whenSaved(path)
  const before = processorMs(process.pid)
  const from = performance.now()
  writeFileSync(path, textOf(form, version))
  await saved
  const noticed = performance.now()
  const { hash, code, operations, limits } = await file.make()
  const made = performance.now()
  await request(cluster, 'POST', `${cluster.moteUrl}/v1/modules`, { hash, code, operations, limits })
  const pushed = performance.now()
  const pipeline = { kind: 'call', operation: 'bench.version', module: hash }
  const run = await request<Run>(cluster, 'POST', `${cluster.moteUrl}/v1/runs?wait=30`, { on: 'bench=live', pipeline })
  const ended = performance.now()
  const targets = run.targets ?? []
  const good = targets.filter(({ value }) => (value as { version?: string } | undefined)?.version === version)
  if (good.length !== count) {
    const bad = JSON.stringify(targets.find(one => !good.includes(one)))
    throw new Error(`${good.length} of ${count} answered ${version}; another: ${bad}`)
  }
  const first = Math.min(...targets.map(one => one.ms ?? 0))
  return {
    all: ended - from,
    notice: noticed - from,
    bundle: made - noticed,
    push: pushed - made,
    first,
    others: ended - pushed - first,
    processor: processorMs(process.pid) - before,
    busyBefore,
  }
}

const series = async (bench: Bench, form: Form, what: string, times: number): Promise<Edit[]> => {
  const taken: Edit[] = []
  for (let n = 1; n <= times; n += 1) {
    const edit = await oneEdit(bench, form, `${form}-${what}-${n}-${Date.now()}`)
    taken.push(edit)
    const { busyBefore, ...parts } = edit
    const words = Object.entries(parts).map(([name, ms]) => `${name} ${Math.round(ms)}`)
    bench.say(`${what} ${n}: ${words.join(', ')} ms (machine ${Math.round(busyBefore * 100)} % busy before)`)
  }
  return taken
}

type Taken = Readonly<Record<'warmUp' | 'native' | 'shell', readonly Edit[]>>
const reportOf = (agents: number, { warmUp, native, shell }: Taken): Report => {
  const of = (edits: readonly Edit[], part: keyof Edit, share = 0.5) =>
    rounded(
      quantile(
        edits.map(edit => edit[part]),
        share,
      ),
    )
  return {
    name: 'live',
    measures: {
      agents,
      allAgentsP50Ms: of(native, 'all'),
      allAgentsP95Ms: of(native, 'all', 0.95),
      noticeP50Ms: of(native, 'notice'),
      bundleP50Ms: of(native, 'bundle'),
      pushP50Ms: of(native, 'push'),
      /** From the start of the run: the call, the pull, the load into the waiting process, the answer. */
      firstAnswerP50Ms: of(native, 'first'),
      otherAnswersP50Ms: of(native, 'others'),
      /** Does not depend on what else the machine does: all processes of the bench together. */
      processorMsPerAgentP50: rounded(of(native, 'processor') / agents),
      shellAllAgentsP50Ms: of(shell, 'all'),
      shellAllAgentsP95Ms: of(shell, 'all', 0.95),
      shellProcessorMsPerAgentP50: rounded(of(shell, 'processor') / agents),
      warmUpAllAgentsP95Ms: of(warmUp, 'all', 0.95),
      warmUpProcessorMsPerAgentP50: rounded(of(warmUp, 'processor') / agents),
      busyBeforeP50: of(native, 'busyBefore'),
    },
    aims: { allAgentsP95Ms: { atMost: 400 } },
  }
}
