import { ProviderError, type Action } from '@re-ops/protocols'
import { refuseUnlessDone, type Marks } from './marks.ts'
import type { Machine } from './settings.ts'
import type { Ssh } from './ssh.ts'
import { wake } from './wake.ts'

export type ActContext = {
  readonly ssh: Ssh
  readonly marks: Marks
  /** Whether it was just told to come up: started or rebooted, and not stopped since. */
  readonly awaits: (name: string, comesUp: boolean) => void
}

const unsupported = (why: string): ProviderError => new ProviderError('unsupported', 'not-applied', why)

/** A command whose connection ended without a code was begun: what is seen of the machine then says the rest. */
const shutdown = async ({ ssh }: ActContext, machine: Machine, flag: '-h' | '-r', signal: AbortSignal) => {
  const command = `${machine.user === 'root' ? '' : 'sudo -n '}shutdown ${flag} now`
  const ran = await ssh(machine, command, signal)
  if (ran.code !== null) refuseUnlessDone(machine, command, ran)
}

/** Does what is asked of one machine. All but a reboot come to the same when sent twice. */
export const act = async (
  context: ActContext,
  machine: Machine,
  action: Action,
  signal: AbortSignal,
): Promise<void> => {
  const { marks, awaits } = context
  const { name } = machine
  switch (action.kind) {
    case 'start':
      await wake(machine, signal)
      return awaits(name, true)
    case 'stop':
    case 'reboot':
      if (action.force)
        throw unsupported(`${name}: nothing here takes its power away; allowed: ${action.kind} without force`)
      await shutdown(context, machine, action.kind === 'stop' ? '-h' : '-r', signal)
      return awaits(name, action.kind === 'reboot')
    case 'setOwner':
      return marks.write(machine, action.owner, signal)
    default:
      throw unsupported(`${name}: a physical machine has no ${action.kind}; allowed: start, stop, reboot, setOwner`)
  }
}
