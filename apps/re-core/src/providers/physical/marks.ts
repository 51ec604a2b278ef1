import { Id, ProviderError, type Identity, type ObservedVm } from '@re-ops/protocols'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Ran, Ssh } from './ssh.ts'
import type { Machine } from './settings.ts'

type Owner = NonNullable<ObservedVm['owner']>
const Owner = Compile(
  Type.Object(
    { installation: Id, vmId: Id, generation: Type.Integer(), candidate: Type.Integer() },
    { additionalProperties: false },
  ),
)

/** Whose the machine is, in the home of the user that we log in as. */
export const markFile = '.re-ops-owner'

/** Null when it says nothing that can be read: then the machine is nobody's. */
export const readMark = (text: string): Owner | null => {
  try {
    const value: unknown = JSON.parse(text)
    return Owner.Check(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Throws `conflict` with the last of what it said. */
export const refuseUnlessDone = ({ name }: Machine, what: string, { code, stderr }: Ran): void => {
  if (code === 0) return
  const said = stderr.trim().slice(-200)
  throw new ProviderError('conflict', 'unknown', `${name}: ${what} ended with code ${code}${said ? `: ${said}` : ''}`)
}

const keptMs = 60_000

/**
 * The mark of each machine, read when it is on and asked for again after a minute: a login each time a machine is looked
 * at would fill its logs.
 */
export const makeMarks = (ssh: Ssh, now: () => number) => {
  const known = new Map<string, { readonly owner: Owner | null; readonly at: number }>()
  const read = async (machine: Machine, signal: AbortSignal): Promise<Owner | null> => {
    const kept = known.get(machine.name)
    if (kept !== undefined && now() < kept.at + keptMs) return kept.owner
    const at = now()
    const ran = await ssh(machine, `if [ -e ${markFile} ]; then cat ${markFile}; fi`, signal)
    refuseUnlessDone(machine, `reading ~/${markFile}`, ran)
    const owner = readMark(ran.stdout)
    known.set(machine.name, { owner, at })
    return owner
  }
  const write = async (machine: Machine, identity: Identity | null, signal: AbortSignal): Promise<void> => {
    known.delete(machine.name)
    if (identity === null)
      return refuseUnlessDone(machine, `removing ~/${markFile}`, await ssh(machine, `rm -f ${markFile}`, signal))
    const { installation, vmId, generation, candidate } = identity
    const text = JSON.stringify({ installation, vmId, generation, candidate })
    const command = `umask 077; cat > ${markFile}.new && mv -f ${markFile}.new ${markFile}`
    refuseUnlessDone(machine, `writing ~/${markFile}`, await ssh(machine, command, signal, `${text}\n`))
  }
  return {
    read,
    write,
    /** What was read of a machine that has been off since may not be so any more. */
    forget: ({ name }: Machine) => void known.delete(name),
  }
}
export type Marks = ReturnType<typeof makeMarks>
