import { ProviderError, type Action } from '@re-ops/protocols'
import { folderOf, readMachine, type Machine } from './machine.ts'
import { writeMarks } from './marks.ts'
import { checkRef, marksOf } from './observe.ts'
import { powerOff } from './power.ts'
import { start, type LocalDeps } from './start.ts'

/** Does what is asked of a machine that is there; doing it again changes nothing, but for a reboot. */
export const act = async (deps: LocalDeps, ref: string, action: Action): Promise<void> => {
  checkRef(ref)
  const machine = await readMachine(folderOf(deps.root, ref))
  if (machine === null) throw new ProviderError('not-found', 'not-applied', `there is no local machine ${ref}`)
  await deps.at?.(`${action.kind}.before`, ref)
  await done(deps, ref, machine, action)
  await deps.at?.(`${action.kind}.after`, ref)
}

const done = async (deps: LocalDeps, ref: string, machine: Machine, action: Action): Promise<void> => {
  const folder = folderOf(deps.root, ref)
  switch (action.kind) {
    case 'start':
      return start(deps, ref)
    case 'stop':
      return void (await powerOff(folder, action.force ? 0 : deps.stopGraceMs))
    case 'reboot':
      await powerOff(folder, action.force ? 0 : deps.stopGraceMs)
      return start(deps, ref)
    case 'rename':
      return writeMarks(folder, { ...(await marksOf(folder, machine)), name: action.name })
    case 'setProtection':
      return writeMarks(folder, { ...(await marksOf(folder, machine)), protected: action.protected })
    case 'setExpiry': {
      const { expiresAt: _, ...marks } = await marksOf(folder, machine)
      return writeMarks(folder, action.expiresAt === null ? marks : { ...marks, expiresAt: action.expiresAt })
    }
    case 'setTags': {
      const marks = await marksOf(folder, machine)
      const tags = Object.entries({ ...marks.tags, ...action.tags }).filter(([, value]) => value !== null)
      return writeMarks(folder, { ...marks, tags: Object.fromEntries(tags) as Record<string, string> })
    }
    case 'setOwner':
      throw new ProviderError('unsupported', 'not-applied', 'a local machine is always of the re-core that made it')
    case 'resize':
      throw new ProviderError('unsupported', 'not-applied', 'a local machine has no size to change')
  }
}
