import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Run } from '@re-ops/protocols'
import type { Proof } from '../proof/command.ts'
import { median, rounded, type Report } from '../proof/report.ts'
import type { Cluster } from '../supervisor/cluster.ts'
import { addHosts, endMasters, missingPrograms, startLab, timed, type SshLab } from './ssh-lab.ts'
import { request, withCluster } from './with-cluster.ts'

const hostsDefault = 50
const roundsDefault = 5
/** What takes hundredths of a second is done so often in a round, for both sides: one such time says little. */
const repeats: Readonly<Partial<Record<string, number>>> = { controlPersist: 5, warm: 5 }
/** What the last tool left (sessions that end) is over by then. */
const betweenMs = 300

/**
 * `true` on real sshd through HTTP (`POST /v1/runs?wait`, everything committed), cold (no connection stands) and warm, against the tools that
 * people use, each with its defaults, in turns. Every login shell runs `true` by itself; so does the runner.
 */
export const ssh: Proof = {
  doc: 'the same command on 50 real sshd: cold against xargs ssh, clush, pdsh and ansible, warm against ControlPersist',
  run: async ({ say, flag }) => {
    const missing = missingPrograms()
    if (missing !== null) throw new Error(missing)
    const lab = await startLab(Number(flag('hosts') ?? hostsDefault))
    try {
      return await withCluster(say, cluster => measure(cluster, lab, Number(flag('rounds') ?? roundsDefault), say))
    } finally {
      await lab.stop()
    }
  },
}

/** The other tools. Each gives the milliseconds of one go at all hosts. */
const rivals = (lab: SshLab) => {
  const names = lab.hosts.map(host => host.name)
  const list = `${names.join('\n')}\n`
  const ssh = ['ssh', '-F', lab.config, '-o', 'BatchMode=yes']
  const warm = join(lab.folder, 'w')
  mkdirSync(warm)
  const persist = ['-o', 'ControlMaster=auto', '-o', `ControlPath=${warm}/%C`, '-o', 'ControlPersist=600']
  const inventory = join(lab.folder, 'inventory')
  writeFileSync(inventory, names.map(name => `${name} ansible_ssh_common_args='-F ${lab.config}'\n`).join(''))
  let goes = 0
  return {
    xargs: () =>
      timed(['xargs', '-P16', '-I{}', ...ssh, '-o', 'KexAlgorithms=curve25519-sha256', '{}', 'true'], { stdin: list }),
    clush: () => timed(['clush', '-S', '-o', `-F ${lab.config}`, '-w', names.join(','), 'true']),
    pdsh: () =>
      timed(['pdsh', '-S', '-R', 'ssh', '-w', names.join(','), 'true'], {
        env: { PDSH_SSH_ARGS_APPEND: `-F ${lab.config}` },
      }),
    ansible: async () => {
      const control = join(lab.folder, `a${(goes += 1)}`)
      mkdirSync(control)
      const env = {
        ANSIBLE_SSH_CONTROL_PATH_DIR: control,
        ANSIBLE_LOCALHOST_WARNING: 'False',
        HOME: join(lab.folder, 'home'),
      }
      try {
        return await timed(['ansible', '-i', inventory, 'all', '-m', 'raw', '-a', 'true'], { env })
      } finally {
        endMasters(control)
      }
    },
    controlPersist: () =>
      timed(['xargs', `-P${names.length}`, '-I{}', ...ssh, ...persist, '{}', 'true'], { stdin: list }),
    end: () => endMasters(warm),
  }
}

const measure = async (cluster: Cluster, lab: SshLab, rounds: number, say: (line: string) => void): Promise<Report> => {
  const ask = <A>(method: string, url: string, body?: unknown) => request<A>(cluster, method, url, body)
  await addHosts(lab, (method, path, body) => ask(method, `${cluster.moteUrl}${path}`, body))
  const once = async () => {
    const from = performance.now()
    const body = { on: 'lab=ssh', pipeline: { kind: 'call', operation: 'shell', input: { argv: ['true'] } } }
    const run = await ask<Run>('POST', `${cluster.moteUrl}/v1/runs?wait=60`, body)
    const ms = performance.now() - from
    if (run.summary.ok === lab.hosts.length) return ms
    throw new Error(
      `not all hosts are ok: ${JSON.stringify(run.targets?.find(target => target.state !== 'ok') ?? run)}`,
    )
  }
  const cold = async () => {
    await ask('DELETE', `${cluster.moteUrl}/v1/ssh/connections`)
    await pause(betweenMs)
    return once()
  }
  const { end, ...others } = rivals(lab)
  const goes = { ...others, cold, warm: once }
  const taken: Record<keyof typeof goes, number[]> = {
    xargs: [],
    clush: [],
    pdsh: [],
    ansible: [],
    controlPersist: [],
    cold: [],
    warm: [],
  }
  try {
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, go] of Object.entries(goes) as [keyof typeof goes, () => Promise<number>][]) {
        const times: number[] = []
        for (let n = 0; n < (repeats[name] ?? 1); n += 1) {
          times.push(await go())
          await pause(betweenMs)
        }
        // The first round makes everybody warm: caches of the machine, compiled code, masters of ControlPersist.
        if (round > 0) taken[name].push(median(times))
      }
      const last = Object.entries(taken).map(([name, all]) => `${name} ${rounded(all.at(-1) ?? Number.NaN)}`)
      if (round > 0) say(`round ${round} (ms): ${last.join(', ')}`)
    }
  } finally {
    end()
  }
  const of = (name: keyof typeof goes) => median(taken[name])
  return {
    name: 'ssh',
    measures: {
      coldVsXargs: rounded(of('cold') / of('xargs')),
      clushVsCold: rounded(of('clush') / of('cold')),
      pdshVsCold: rounded(of('pdsh') / of('cold')),
      ansibleVsCold: rounded(of('ansible') / of('cold')),
      warmVsControlPersist: rounded(of('controlPersist') / of('warm')),
      hosts: lab.hosts.length,
      ...Object.fromEntries(
        Object.entries(taken).flatMap(([name, all]) => [
          [`${name}Ms`, rounded(median(all))],
          [`${name}SpreadMs`, rounded(Math.max(...all) - Math.min(...all))],
        ]),
      ),
    },
    aims: {
      coldVsXargs: { atMost: 1.2 },
      clushVsCold: { atLeast: 3 },
      pdshVsCold: { atLeast: 3 },
      ansibleVsCold: { atLeast: 3 },
      warmVsControlPersist: { atLeast: 10 },
    },
  }
}
