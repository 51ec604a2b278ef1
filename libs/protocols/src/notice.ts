import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'

/** What re-core did, or refused to do, without being asked. */
export const noticeKinds = [
  'lease-soon',
  'lease-ended',
  'lease-kept',
  'stray-destroyed',
  'stray-found',
  'unknown-machine',
  'newer-machine',
  'account-frozen',
  'account-thawed',
  'account-parked',
  'account-resumed',
  'adopted',
  'imported',
  'released',
  'lost',
  'recreated',
] as const
export const NoticeKind = Type.Enum(noticeKinds)
export type NoticeKind = Static<typeof NoticeKind>

const orNull = Type.Union([Type.String(), Type.Null()])
/** One line of what happened by itself, kept for 30 days; also an event of `GET /v1/events`. */
export const Notice = Type.Object({
  id: Id,
  at: Type.String({ format: 'date-time' }),
  kind: NoticeKind,
  account: orNull,
  region: orNull,
  system: Type.Union([Id, Type.Null()]),
  ref: orNull,
  text: Type.String(),
})
export type Notice = Static<typeof Notice>

/** Why nothing is ended by itself in an account: what was seen there is newer than our database. */
export const Freeze = Type.Object({
  account: Type.String(),
  since: Type.String({ format: 'date-time' }),
  evidence: Type.Array(
    Type.Object({
      region: Type.String(),
      ref: Type.String(),
      system: Type.Union([Id, Type.Null()]),
      text: Type.String(),
    }),
  ),
})
export type Freeze = Static<typeof Freeze>
