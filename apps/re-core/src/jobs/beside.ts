import type { MachineOptions } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'

/** What is asked for together with a machine and put in place before it is ready. */
export type Beside =
  | { readonly kind: 'firewall'; readonly name: string }
  | { readonly kind: 'volume'; readonly name: string; readonly sizeGb: number }

/** In the order in which they are put in place: firewalls first, so that nothing is open longer than it must be. */
export const besideOf = ({ firewalls = [], volumes = [] }: MachineOptions): readonly Beside[] => [
  ...firewalls.map(name => ({ kind: 'firewall' as const, name })),
  // Their names are given when the system is asked for.
  ...volumes.map(({ name = '', sizeGb }) => ({ kind: 'volume' as const, name, sizeGb })),
]

/** The one that comes next; undefined when all are in place. */
export const nextBeside = ({ options, besideDone }: Pick<SystemRow, 'options' | 'besideDone'>): Beside | undefined =>
  besideOf(options)[besideDone]

/** Which one it stands at, for people: `volume data (2 of 3)`. */
export const besideText = (row: Pick<SystemRow, 'options' | 'besideDone'>): string => {
  const one = nextBeside(row)
  return `${one?.kind} ${one?.name} (${row.besideDone + 1} of ${besideOf(row.options).length})`
}
