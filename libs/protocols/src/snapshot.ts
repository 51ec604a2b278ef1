import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { Name } from './names.ts'
import { ProviderKind } from './system.ts'

export const SnapshotState = Type.Enum(['pending', 'ready', 'failed', 'deleting'])
export type SnapshotState = Static<typeof SnapshotState>

/** How a system's image says that it is a snapshot. */
export const snapshotPrefix = 'snapshot:'

/** Body of `POST /v1/systems/:system/snapshots`. Names are unique in the installation. */
export const CreateSnapshot = Type.Object({ name: Name }, { additionalProperties: false })
export type CreateSnapshot = Static<typeof CreateSnapshot>

/** An image made of a system's machine; `--image snapshot:<name>` makes systems of it. It outlives its system. */
export const SystemSnapshot = Type.Object({
  id: Id,
  name: Name,
  provider: ProviderKind,
  account: Type.String(),
  region: Type.String(),
  system: Type.String({ description: 'name of the system it was made of, as it was then' }),
  state: SnapshotState,
  sizeGb: Type.Union([Type.Number(), Type.Null()]),
  error: Type.Union([Type.String(), Type.Null()]),
  createdAt: Type.String({ format: 'date-time' }),
})
export type SystemSnapshot = Static<typeof SystemSnapshot>
