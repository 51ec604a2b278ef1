import type { ChangePolicy } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { SystemRow } from '../store/row.ts'
import type { Asking } from './ask.ts'

const conflict = (kind: string, title: string, detail: string): never => {
  throw new HttpProblem(409, kind, title, detail)
}
const refuse = (kind: string, title: string, detail: string): never => {
  throw new HttpProblem(422, kind, title, detail)
}

/** What changes nothing at the machine. */
const harmless: ReadonlySet<Asking> = new Set(['rename', 'label', 'policy', 'import', 'forget'])

/** Throws HttpProblem 409 for what would do something to a machine that is only observed. */
export const refuseObserved = ({ name, managed }: SystemRow, verb: Asking): void => {
  if (managed === 'full' || harmless.has(verb)) return
  conflict(
    'observe-only',
    'The system is only observed',
    `${name} is only observed: ${verb} is refused; allowed: systems forget ${name}, or systems policy ${name} --manage full first`,
  )
}

/** Of one that was there before us nobody knows how it was made. */
const refuseRecreating = ({ name, origin }: SystemRow, { onLost }: ChangePolicy): void => {
  if (origin === 'imported' && onLost?.startsWith('recreate') === true)
    refuse('bad-policy', 'It cannot be made again', `policy.onLost is ${onLost}; allowed of ${name}: alert, forget`)
}

/** Throws HttpProblem 409 or 422. */
export const checkPolicy = (row: SystemRow, policy: ChangePolicy): void => {
  refuseRecreating(row, policy)
  const { managed = row.managed, fixes = [] } = policy
  if (managed === 'observe' && fixes.length > 0)
    refuse(
      'observe-only',
      'Nothing is done to it',
      `policy.fixes is ${fixes.join(', ')}; ${row.name} is only observed; allowed with managed full`,
    )
  if (managed === 'observe' && row.ref === null)
    conflict('no-machine', 'There is no machine yet', `${row.name} is ${row.phase}; one that is there can be observed`)
}

/** Its machine must be known, or certainly not be there; and it must not be ending. */
export const checkForget = ({ name, ref, sentAt, desired, managed }: SystemRow): void => {
  if (desired === 'absent' && managed === 'full')
    conflict('too-late', 'It is being destroyed', `${name} is being destroyed; nothing undoes it`)
  if (ref === null && sentAt !== null)
    conflict(
      'no-machine',
      'Its machine is not known yet',
      `${name}: a create was sent; forget it when its machine shows`,
    )
}

export const refuseReloading = ({ name, origin }: SystemRow): void => {
  if (origin === 'imported')
    conflict(
      'imported',
      'It was there before us',
      `${name} is imported: nobody knows how its machine was made; destroy it, and create another`,
    )
}
