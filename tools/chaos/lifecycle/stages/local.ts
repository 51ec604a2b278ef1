import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Identity } from '@re-ops/protocols'
import { markedProcesses, powerOffAll } from '@re-ops/re-core/testing'
import type { Machine, Stage } from '../stage.ts'

const identityIn = async (folder: string): Promise<Identity | null> => {
  try {
    return (JSON.parse(await readFile(join(folder, 'machine.json'), 'utf8')) as { identity: Identity }).identity
  } catch {
    return null // it goes just now, or is not whole: nobody can say whose it is
  }
}
const foldersIn = async (root: string): Promise<string[]> => {
  const names = await readdir(root).catch(() => [])
  return names.filter(name => !name.startsWith('.'))
}

/** Processes of this computer, and the folders that were made for them. */
export const openLocal = async (folder: string): Promise<Stage> => {
  const root = join(folder, 'machines')
  const alive = async (): Promise<Machine[]> => {
    const agents = (await markedProcesses()).filter(one => one.folder.startsWith(`${root}/`) && one.isAgent)
    return Promise.all(
      agents.map(async one => {
        const identity = await identityIn(one.folder)
        const ref = one.folder.slice(root.length + 1)
        return { ref, system: identity?.vmId ?? null, generation: identity?.generation ?? 0, running: true }
      }),
    )
  }
  return {
    worker: {
      kind: 'local',
      settings: {},
      secret: null,
      region: 'local',
      root,
      paused: false,
      caps: { maxVisibilityLagMs: 0, latestLandingMs: 0 },
    },
    spec: {},
    largerSize: null,
    livesMax: 24,
    alive,
    leftovers: () => foldersIn(root),
    stop: () => powerOffAll(root, 0).then(() => undefined),
  }
}
