/** Which calls under way on agents of ours belong to which other service: what the agent says of them goes there. */
export type CallRoutes = {
  note(call: string, peer: string): void
  of(call: string): string | undefined
  end(call: string): void
  readonly size: number
}

/** The oldest are forgotten first; for those Postgres says who drives the run. */
const keptMax = 200_000

export const makeCallRoutes = (): CallRoutes => {
  const routes = new Map<string, string>()
  return {
    note: (call, peer) => {
      routes.set(call, peer)
      if (routes.size > keptMax) routes.delete(routes.keys().next().value as string)
    },
    of: call => routes.get(call),
    end: call => void routes.delete(call),
    get size() {
      return routes.size
    },
  }
}
