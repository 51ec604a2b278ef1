import type { Counted } from './peer.ts'

/** Reasons under which the broker counts handshakes and not messages. */
const ofHandshakes = /reason="(unknown-key|quarantined-key|revoked-key|stale-allow-list|open-files|handshake-rate)"/
/** A pull is a message that is taken; that its module is not asked for is counted too, and not foreseen by anybody. */
const ofPulls = /reason="too-many-pulls"/

const metricsWithinMs = 10_000
const metricsOf = async (url: string): Promise<readonly string[]> =>
  (await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(metricsWithinMs) })).text()).split('\n')

const sum = (lines: readonly string[]) => lines.reduce((all, line) => all + Number(line.split(' ').at(-1)), 0)

/** What re-mote counted of hostile messages: those its broker dropped, and what was said of calls of others. */
export const counted = async (moteUrl: string): Promise<Counted> => {
  const lines = await metricsOf(moteUrl)
  return {
    dropped: sum(
      lines.filter(
        line => line.startsWith('mote_broker_drops_total{') && !ofHandshakes.test(line) && !ofPulls.test(line),
      ),
    ),
    unclaimed: sum(lines.filter(line => line.startsWith('mote_unclaimed_total{'))),
  }
}

/** Every reason with its count, for the report. */
export const dropsByReason = async (moteUrl: string): Promise<Readonly<Record<string, number>>> =>
  Object.fromEntries(
    (await metricsOf(moteUrl)).flatMap(line => {
      const match = /^mote_(?:broker_drops|unclaimed)_total\{.*reason="([^"]+)".*\} (\d+)/.exec(line)
      return match ? [[match[1] as string, Number(match[2])]] : []
    }),
  )
