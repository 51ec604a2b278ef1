import { ProviderError, type Provider } from '@re-ops/protocols'
import { makeWorld } from '@re-ops/re-core/testing'
import type { Life } from './life.ts'

const callHome = { url: 'http://127.0.0.1:1', token: 'none', name: 'stray', labels: {} }
const place = { provider: 'local', account: 'local', region: 'local' } as const

/** What a cloud does by itself, done to a provider that has neither pages nor limits. */
const makeFaults = () => {
  const on = { brokenLists: false, refusedLooks: false }
  const look = () => {
    if (on.refusedLooks) throw new ProviderError('throttled', 'not-applied', 'too many calls', { retryAfterMs: 1_000 })
  }
  const wrap = (provider: Provider): Provider => ({
    ...provider,
    observe: async (ref, signal) => (look(), provider.observe(ref, signal)),
    list: async function* (scope, signal) {
      look()
      yield* provider.list(scope, signal)
      if (on.brokenLists) throw new ProviderError('transient', 'not-applied', 'page 2 failed')
    },
  })
  const during = (fault: keyof typeof on) => () => {
    on[fault] = true
    return () => void (on[fault] = false)
  }
  return { wrap, during }
}

/** Processes of this computer. */
export const openLocal = async (url: string): Promise<Life> => {
  const world = await makeWorld(url)
  const { wrap, during } = makeFaults()
  const alive = async () => (await world.running()).toSorted()
  return {
    letter: 'L',
    world,
    alive,
    places: [{ place, alive }],
    spec: { size: 'process', image: 'this-computer', callHome },
    roundedMs: 1,
    wrap,
    mishaps: {
      breakLists: during('brokenLists'),
      refuseLooks: during('refusedLooks'),
      // Its agents are seen as processes; there looks are refused from the beginning.
      silence: () => () => {},
      deafen: () => {},
      refusals: () => 0,
    },
    capacity: null,
    beside: null,
    stranger: null,
    stop: world.stop,
  }
}
