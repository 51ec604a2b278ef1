/** How much is sent; the short form is for CI, with the same rules. */
export type Plan = {
  readonly seed: number
  /** All together: over ZeroMQ to the broker, over HTTP to both services, from a hostile broker to an agent. */
  readonly messages: number
  /** Everything is sent in so many rounds of the same mixture, so that memory can be compared between them. */
  readonly rounds: number
  /** Rounds after which memory counts as warm. */
  readonly warmRounds: number
  readonly httpPeers: number
}
export const shares = { http: 0.1, agent: 0.1 } as const
export const fullForm = { messages: 1_000_000, rounds: 20, warmRounds: 6, httpPeers: 16 } as const
export const shortForm = { messages: 30_000, rounds: 5, warmRounds: 2, httpPeers: 8 } as const
/** Memory in the last rounds, compared with that of the first ones that are warm. */
export const rssGrowthMax = 0.15
