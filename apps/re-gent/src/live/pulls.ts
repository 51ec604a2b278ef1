import { moduleLimits, type FromBroker, type SignedModule } from '@re-ops/protocols'

type Body<K extends FromBroker['kind']> = Extract<FromBroker, { kind: K }>['body']
/** Asks the broker for modules, each once however many calls wait for it. */
export type Pulls = {
  /** The module as it came, not yet verified, or why there is none. */
  pull(hash: string): Promise<SignedModule | string>
  onPart(part: Body<'module.part'>): void
  onRefused(refused: Body<'module.refused'>): void
  close(): void
}

const askEveryMs = 2_000
const withinMs = 20_000
const pullsMax = 16
/** Modules that came unasked, ahead of a call, and wait for it. */
const aheadMax = 4

type Pull = {
  readonly promise: Promise<SignedModule | string>
  readonly resolve: (module: SignedModule | string) => void
  readonly timers: readonly NodeJS.Timeout[]
  parts: (string | undefined)[]
}

/** Its form is not checked: what moduleProblem finds signed is what re-mote has checked, and nothing else is used. */
const read = (parts: readonly (string | undefined)[]): SignedModule | string => {
  try {
    const text = Buffer.concat(parts.map(part => Buffer.from(part ?? '', 'base64'))).toString('utf8')
    const module: unknown = JSON.parse(text)
    return typeof module === 'object' && module !== null ? (module as SignedModule) : 'what came is no module'
  } catch {
    return 'what came is no module'
  }
}

/** `ask` says `module.pull`; it is said again while nothing comes, so a session that ends meanwhile does no harm. */
export const makePulls = (ask: (hash: string) => void): Pulls => {
  const pulls = new Map<string, Pull>()
  const ahead = new Map<string, string>()
  const keep = (hash: string, data: string): void => {
    if (data.length > moduleLimits.aheadCharsMax) return
    ahead.set(hash, data)
    for (const oldest of ahead.keys()) {
      if (ahead.size <= aheadMax) return
      ahead.delete(oldest)
    }
  }
  const end = (hash: string, result: SignedModule | string): void => {
    const pull = pulls.get(hash)
    if (!pull) return
    pulls.delete(hash)
    for (const timer of pull.timers) clearInterval(timer)
    pull.resolve(result)
  }
  const begin = (hash: string): Pull => {
    const { promise, resolve } = Promise.withResolvers<SignedModule | string>()
    const again = setInterval(() => ask(hash), askEveryMs)
    const late = setTimeout(() => end(hash, `it did not come within ${withinMs / 1000} s`), withinMs)
    ask(hash)
    return { promise, resolve, timers: [again, late], parts: [] }
  }
  return {
    pull: hash => {
      const known = pulls.get(hash)
      if (known) return known.promise
      const came = ahead.get(hash)
      if (came !== undefined) {
        setImmediate(() => ahead.delete(hash)) // calls of this turn share it; later ones find it verified, or pull
        return Promise.resolve(read([came]))
      }
      if (pulls.size >= pullsMax) return Promise.resolve(`${pullsMax} other modules are on their way already`)
      const pull = begin(hash)
      pulls.set(hash, pull)
      return pull.promise
    },
    onPart: ({ hash, part, of, data }) => {
      const pull = pulls.get(hash)
      if (!pull && of === 1) keep(hash, data)
      if (!pull || part >= of) return
      if (pull.parts.length !== of) pull.parts = Array.from({ length: of }, () => undefined)
      pull.parts[part] = data
      if (pull.parts.every(one => one !== undefined)) end(hash, read(pull.parts))
    },
    onRefused: ({ hash, reason }) => {
      ahead.delete(hash)
      end(hash, reason)
    },
    close: () => [...pulls.keys()].forEach(hash => end(hash, 'the agent is stopping')),
  }
}
