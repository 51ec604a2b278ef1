import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { localCaps, makeLocal, markedProcesses, powerOffAll } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import type { Target } from './testing/subject.ts'

/** A stand-in agent: lives until told otherwise. */
const agentCommand = ['/bin/sh', '-c', 'sleep 600 & wait', 'agent']
const callHome = { url: 'http://127.0.0.1:1', token: 'canary-of-local', name: 'one', labels: {} }
const withinMs = 15_000

const start = async (): Promise<Target> => {
  const root = await mkdtemp(join(tmpdir(), 'conformance-'))
  const local = () => makeLocal({ root, agentCommand, now: Date.now, stopGraceMs: 500 })
  const alive = async () => {
    const all = await markedProcesses()
    return all.filter(one => one.folder.startsWith(`${root}/`) && one.isAgent).map(one => one.folder)
  }
  return {
    provider: local(),
    another: local(),
    spec: name => ({ name, type: 'web', size: 'process', image: 'this-computer', callHome }),
    alive,
    leftovers: async () => (await readdir(root)).filter(name => !name.startsWith('.')),
    until: async (what, holds) => {
      for (const end = performance.now() + withinMs; !(await holds()); await pause(10))
        if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    },
    pass: async () => {},
    largerSize: null,
    zones: [],
    mishaps: {},
    canary: callHome.token,
    stop: async () => {
      await powerOffAll(root, 0)
      await rm(root, { recursive: true, force: true })
    },
  }
}

// Each machine is a process, so there are fewer of them than in a cloud.
describeProvider({
  letter: 'L',
  caps: localCaps,
  mishaps: [],
  many: 50,
  skips: { 32: "this computer is nobody's account: it has no credentials, rights or quotas to refuse by" },
  start,
})
