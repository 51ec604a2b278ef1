import type { fromBroker, FromAgent } from '@re-ops/protocols'

export type { Keyset } from '@re-ops/protocols'

type Body<K extends string> = Parameters<typeof fromBroker.encode<Extract<Kinds, K>>>[1]
type Kinds = (typeof fromBroker.messages)[number]['kind']

/** What a call is, whoever it goes to. */
export type CallShape = Omit<Body<'call'>, 'id' | 'settled'>

/** Wire messages the service asks a broker to send; the broker adds the session's token. */
export type CallSays =
  | { readonly kind: 'call.cancel'; readonly body: Body<'call.cancel'> }
  | { readonly kind: 'call.settled'; readonly body: Body<'call.settled'> }
  | { readonly kind: 'call.ask'; readonly body: Body<'call.ask'> }
  | { readonly kind: 'output.pull'; readonly body: Body<'output.pull'> }
  | { readonly kind: 'schedules.set'; readonly body: Body<'schedules.set'> }
  | { readonly kind: 'samples.taken'; readonly body: Body<'samples.taken'> }
  | FileSays

/** About contents of files, for one call. */
export type FileSays =
  | { readonly kind: 'file.opened'; readonly body: Body<'file.opened'> }
  | { readonly kind: 'file.accepted'; readonly body: Body<'file.accepted'> }
  | { readonly kind: 'file.taken'; readonly body: Body<'file.taken'> }
  | { readonly kind: 'file.refused'; readonly body: Body<'file.refused'> }

/** Wire messages of a live session that the service is told of. */
export type AgentSays = Extract<
  FromAgent,
  {
    kind:
      | 'call.acked'
      | 'call.running'
      | 'call.result'
      | 'call.report'
      | 'output.chunk'
      | 'schedules.held'
      | 'samples'
      | 'goodbye'
  }
>
/** What agents say that sample by themselves. */
export type SamplesSays = Extract<AgentSays, { kind: 'schedules.held' | 'samples' }>
export type OutputChunk = Extract<AgentSays, { kind: 'output.chunk' }>['body']
/** What says what became of calls. */
export type CallAnswer = Exclude<AgentSays, { kind: 'output.chunk' } | SamplesSays>
/** What the service is told of contents; pulls of chunks stay with the broker. */
export type AgentAsks = Extract<FromAgent, { kind: 'file.open' | 'file.offer' | 'file.give' }>
