import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'

/** Of what is typed at once, or written between two looks of the reader. */
export const consoleBytesMax = 49_152
const Bytes = Type.String({
  maxLength: (consoleBytesMax / 3) * 4,
  pattern: '^[A-Za-z0-9+/]*={0,2}$',
  description: 'base64',
})

/** First event of a console: what it is, and where what is typed goes (`POST .../consoles/<id>`). */
export const ConsoleOpen = Type.Object({
  id: Id,
  kind: Type.Enum(['stream', 'output', 'log'], {
    description: 'both ways; what it wrote so far; the log of its agent, as it grows',
  }),
  input: Type.Boolean({ description: 'whether something can be typed' }),
})
export type ConsoleOpen = Static<typeof ConsoleOpen>

/** What was written, and what is typed. */
export const ConsoleData = Type.Object({ data: Bytes }, { additionalProperties: false })
export type ConsoleData = Static<typeof ConsoleData>

/** Last event: why nothing more comes; null: it has ended. */
export const ConsoleEnd = Type.Object({ why: Type.Union([Type.String(), Type.Null()]) })
export type ConsoleEnd = Static<typeof ConsoleEnd>
