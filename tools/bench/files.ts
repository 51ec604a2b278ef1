import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeClient } from '@re-ops/client'
import type { Proof } from '../proof/command.ts'
import { median, rounded, type Report } from '../proof/report.ts'
import type { Cluster } from '../supervisor/cluster.ts'
import { processorMs } from './processor-time.ts'
import { startLab, timed, type SshLab } from './ssh-lab.ts'
import { withCluster } from './with-cluster.ts'

const hostsDefault = 20
const megabytesDefault = 10
const roundsDefault = 5
const parallel = 16
const betweenMs = 300

/**
 * A new file to real sshd: through the product (stored at the service once, then pushed over connections that are not there yet, verified on
 * each host, results committed), and by scp with its defaults, 16 at a time as `bench ssh` runs ssh. The hosts are one machine, so each
 * gets a path of its own: a run for each, all asked for at once.
 */
export const files: Proof = {
  doc: '10 MB to 20 real sshd, cold: through the product against xargs -P16 scp',
  run: async ({ say, flag }) => {
    const lab = await startLab(Number(flag('hosts') ?? hostsDefault))
    const bytes = Number(flag('megabytes') ?? megabytesDefault) * 1e6
    try {
      return await withCluster(say, cluster =>
        measure(cluster, lab, { bytes, rounds: Number(flag('rounds') ?? roundsDefault), say }),
      )
    } finally {
      await lab.stop()
    }
  },
}

type Asked = { readonly bytes: number; readonly rounds: number; readonly say: (line: string) => void }
type Taken = { readonly ms: number; readonly cpuMs: number; readonly storeMs?: number }

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const prepare = async (cluster: Cluster, lab: SshLab) => {
  const { mote } = makeClient({ moteUrl: cluster.moteUrl, token: cluster.token })
  await mote.putSecret('ssh/lab', lab.key)
  for (const { name, address, port, hostKeys } of lab.hosts)
    await mote.addHost({
      name,
      ssh: { address, port, user: lab.user, identity: ['secret:ssh/lab'] },
      hostKeys: [...hostKeys],
    })
  return mote
}

/** By both ways the file goes to `<folder>/<host>`, and is looked at afterwards, outside of the time. */
const ways = async (cluster: Cluster, lab: SshLab) => {
  const mote = await prepare(cluster, lab)
  const names = lab.hosts.map(host => host.name)
  const target = join(lab.folder, 'to')
  const forget = () =>
    fetch(`${cluster.moteUrl}/v1/ssh/connections`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${cluster.token}` },
    })
  const product = async (bytes: Buffer): Promise<number> => {
    const from = performance.now()
    const read = async (at: number, length: number) => bytes.subarray(at, at + length)
    const { hash, size } = await mote.storeFile({ size: bytes.length, read })
    const storeMs = performance.now() - from
    const runs = await Promise.all(
      names.map(on => {
        const input = { path: join(target, on), hash, size }
        return mote.createRun({ on, pipeline: { kind: 'call', operation: 'file.push', input } }, { waitMs: 60_000 })
      }),
    )
    const bad = runs.find(run => run.summary.ok !== 1)
    if (bad) throw new Error(`not all hosts are ok: ${JSON.stringify(bad.targets)}`)
    return storeMs
  }
  const scp = async (bytes: Buffer): Promise<void> => {
    const file = join(lab.folder, 'file')
    writeFileSync(file, bytes)
    const one = ['scp', '-q', '-F', lab.config, '-o', 'BatchMode=yes', file, `{}:${target}/{}`]
    await timed(['xargs', `-P${parallel}`, '-I{}', ...one], { stdin: `${names.join('\n')}\n` })
  }
  return async (way: 'product' | 'scp', bytes: Buffer): Promise<Taken> => {
    await forget()
    mkdirSync(target)
    await pause(betweenMs)
    const [from, cpu] = [performance.now(), processorMs(process.pid)]
    const storeMs = way === 'product' ? await product(bytes) : await scp(bytes)
    const taken = { ms: performance.now() - from, cpuMs: processorMs(process.pid) - cpu }
    const hash = hashOf(bytes)
    const wrong = names.find(name => hashOf(readFileSync(join(target, name))) !== hash)
    if (wrong !== undefined) throw new Error(`${way}: the file of ${wrong} is another`)
    rmSync(target, { recursive: true })
    return { ...taken, ...(storeMs === undefined ? {} : { storeMs }) }
  }
}

const measure = async (cluster: Cluster, lab: SshLab, { bytes, rounds, say }: Asked): Promise<Report> => {
  const go = await ways(cluster, lab)
  const taken: Record<'product' | 'scp', Taken[]> = { product: [], scp: [] }
  for (let round = 0; round <= rounds; round += 1) {
    for (const way of ['scp', 'product'] as const) {
      const one = await go(way, randomBytes(bytes))
      // The first round makes everybody warm: caches of the machine, compiled code.
      if (round > 0) taken[way].push(one)
    }
    const last = (['scp', 'product'] as const).map(way => `${way} ${rounded(taken[way].at(-1)?.ms ?? Number.NaN)}`)
    if (round > 0) say(`round ${round} (ms): ${last.join(', ')}`)
  }
  const of = (way: 'product' | 'scp', what: keyof Taken) => median(taken[way].map(one => one[what] ?? Number.NaN))
  const spread = (way: 'product' | 'scp') => {
    const all = taken[way].map(one => one.ms)
    return rounded(Math.max(...all) - Math.min(...all))
  }
  return {
    name: 'files',
    measures: {
      productVsScp: rounded(of('product', 'ms') / of('scp', 'ms')),
      productMs: rounded(of('product', 'ms')),
      productSpreadMs: spread('product'),
      scpMs: rounded(of('scp', 'ms')),
      scpSpreadMs: spread('scp'),
      storeMs: rounded(of('product', 'storeMs')),
      productCpuMs: rounded(of('product', 'cpuMs')),
      scpCpuMs: rounded(of('scp', 'cpuMs')),
      hosts: lab.hosts.length,
      megabytes: bytes / 1e6,
      parallelScp: parallel,
    },
    aims: { productVsScp: { atMost: 1.2 } },
  }
}
