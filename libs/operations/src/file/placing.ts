import { Type } from '@re-ops/pipelines'
import { Account, Mode, plainMode } from '../text.ts'

/** Spread into the input of an operation that places one file. */
export const placing = {
  mode: Type.Optional(Mode({ description: 'default: as it was, or what the umask leaves of 0666' })),
  owner: Type.Optional(Account()),
  group: Type.Optional(Account()),
  parents: Type.Optional(Type.Boolean({ description: 'make the folders above it' })),
}

type Placing = { readonly mode?: string; readonly owner?: string; readonly group?: string; readonly parents?: boolean }
/** The variables of its script that `permissions` and `place` read. */
export const placed = ({ mode, owner, group, parents }: Placing) => ({ mode: plainMode(mode), owner, group, parents })
