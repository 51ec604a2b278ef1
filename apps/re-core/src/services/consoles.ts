import { newId, ProviderError, type ConsoleOpen, type MachineConsole, type ProviderErrorKind } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { SystemRow } from '../store/row.ts'
import type { ConsoleMail, Typed } from './console-mail.ts'
import type { ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { openFor } from './where.ts'

type ConsoleDeps = Pick<ServiceDeps, 'pool' | 'open'> & { readonly mail: ConsoleMail }
export type OpenedConsole = ConsoleOpen & Pick<MachineConsole, 'output' | 'close'>
type Session = { readonly system: string; readonly subject: string; readonly machine: MachineConsole }

const openMax = 64
const openMs = 30_000

const statuses: Readonly<Partial<Record<ProviderErrorKind, number>>> = {
  'not-found': 404,
  busy: 409,
  unsupported: 422,
  invalid: 422,
}
const refusal = (error: unknown): unknown => {
  if (!(error instanceof ProviderError)) return error
  return new HttpProblem(
    statuses[error.kind] ?? 502,
    `console-${error.kind}`,
    'The console does not open',
    error.message,
  )
}

/** The system's machine, or HttpProblem 409 with why there is none. */
const machineOf = ({ name, phase, ref }: SystemRow): string => {
  if (ref !== null && phase !== 'gone') return ref
  const why = phase === 'gone' ? 'it was destroyed' : `it is ${phase}`
  throw new HttpProblem(409, 'no-machine', 'The system has no machine', `${name} has no machine: ${why}`)
}

const machineConsole = async ({ open }: Pick<ConsoleDeps, 'open'>, row: SystemRow, force: boolean) => {
  const ref = machineOf(row)
  const provider = await openFor({ open }, row)
  const none = `machines of provider ${provider.kind} have no console`
  if (provider.console === undefined) throw refusal(new ProviderError('unsupported', 'not-applied', none))
  try {
    const machine = await provider.console(ref, { force }, AbortSignal.timeout(openMs))
    return { machine, kind: provider.caps.console ?? 'output' }
  } catch (error) {
    throw refusal(error)
  }
}

const noSuchConsole = (id: string) =>
  new HttpProblem(404, 'no-such-console', 'No such console', `console ${id} is not open: it has ended`)

/** Consoles that are open in this process; each ends with its reader. What is typed finds them from any replica. */
export const makeConsoles = (deps: ConsoleDeps) => {
  const sessions = new Map<string, Session>()
  /** False when it is not open here. */
  const typeHere = async ({ console: id, system, subject, data }: Typed): Promise<boolean> => {
    const session = sessions.get(id)
    if (session === undefined) return false
    if (session.system !== system || session.subject !== subject) throw noSuchConsole(id)
    const { write } = session.machine
    if (write === undefined)
      throw new HttpProblem(409, 'read-only', 'The console can only be read', `nothing can be typed into console ${id}`)
    await write(Buffer.from(data, 'base64')).catch(() => {
      throw noSuchConsole(id)
    })
    return true
  }
  deps.mail.serve(typeHere)
  return {
    /** Throws HttpProblem 404, 409 (no machine, or open elsewhere), 422 (there is none), 429, 502. */
    open: async (idOrName: string, { force, subject }: { force: boolean; subject: string }): Promise<OpenedConsole> => {
      if (sessions.size >= openMax)
        throw new HttpProblem(429, 'too-many-consoles', 'Too many consoles', `${openMax} are open; close one`)
      const row = await findSystem(deps.pool, idOrName)
      const { machine, kind } = await machineConsole(deps, row, force)
      const id = newId()
      sessions.set(id, { system: row.id, subject, machine })
      const close = () => {
        sessions.delete(id)
        machine.close()
      }
      return { id, kind, input: machine.write !== undefined, output: machine.output, close }
    },
    /** Types. Throws HttpProblem 404 when it is not open (or another's), 409 when it can only be read. */
    type: async (idOrName: string, id: string, { data, subject }: { data: string; subject: string }): Promise<void> => {
      const { id: system } = await findSystem(deps.pool, idOrName)
      const typed = { console: id, system, subject, data }
      if (!(await typeHere(typed)) && !(await deps.mail.hand(typed))) throw noSuchConsole(id)
    },
    closeAll: () => {
      for (const { machine } of sessions.values()) machine.close()
    },
  }
}
export type Consoles = ReturnType<typeof makeConsoles>
