import { setTimeout as wait } from 'node:timers/promises'
import type { Proof } from '../../proof/command.ts'
import { median, quantile, rounded, type Report } from '../../proof/report.ts'
import { makeRandom, type Random } from '../foundation/random.ts'
import { counted, dropsByReason } from './drops.ts'
import { makeHttpAttack, type HttpTally } from './http-round.ts'
import type { Counted } from './peer.ts'
import { fullForm, rssGrowthMax, shares, shortForm, type Plan } from './plan.ts'
import { holdSlowBodies, knockWithGarbage, sendOversize } from './raw-attack.ts'
import { openStage, type Stage } from './stage.ts'
import { startWatch, type Watch, type Watched } from './watch.ts'
import { makeWireAttack, nothingExpected, sumOf, type Expected } from './wire-round.ts'

type Say = (line: string) => void
const peers = 6
const strangers = 2
const reconcileWithinMs = 20_000

type Rss = Readonly<Record<Watched, number>>
type Told = {
  /** Of the metrics at the end. */
  readonly expected: Expected
  readonly http: HttpTally
  readonly agentDropped: number
  readonly rss: readonly Rss[]
}

/** Waits until the metrics hold all of it: the broker tells its counts once a second. */
const reconcile = async (moteUrl: string, { least }: Expected): Promise<Counted> => {
  const until = performance.now() + reconcileWithinMs
  for (;;) {
    const now = await counted(moteUrl)
    const isAll = now.dropped >= least.dropped && now.unclaimed >= least.unclaimed
    if (isAll || performance.now() > until) return now
    await wait(100)
  }
}
/** How far a count is from what it must be. */
const off = (now: Counted, { least, most }: Expected, what: keyof Counted): number =>
  Math.max(0, least[what] - now[what], now[what] - most[what])

const attack = async (plan: Plan, stage: Stage, watch: Watch, random: Random, say: Say): Promise<Told> => {
  const { cluster, attacked } = stage
  const before = await counted(cluster.moteUrl)
  const wire = makeWireAttack({ ...stage, identities: stage.identities.slice(0, -1), strangers, random })
  const http = await makeHttpAttack({ ...stage, peers: plan.httpPeers, random })
  const slow = holdSlowBodies(stage)
  const inRound = (share: number) => Math.ceil((plan.messages * share) / plan.rounds)
  let expected: Expected = { ...nothingExpected, least: before, most: before }
  const rss: Rss[] = []
  let agentDropped = 0
  try {
    for (let round = 1; round <= plan.rounds; round += 1) {
      const from = performance.now()
      const [said, dropped, maybe] = await Promise.all([
        wire.round(inRound(1 - shares.http - shares.agent)),
        attacked.attack(inRound(shares.agent), random),
        sendOversize(stage),
        http.round(inRound(shares.http)),
        knockWithGarbage(stage, random),
      ])
      agentDropped += dropped
      const most = { ...nothingExpected.most, dropped: maybe }
      expected = sumOf(sumOf(expected, said), { ...nothingExpected, most })
      const now = await reconcile(cluster.moteUrl, expected)
      rss.push(watch.rss())
      const seconds = ((performance.now() - from) / 1000).toFixed(1)
      const memory = Object.entries(rss.at(-1) ?? {}).map(([name, bytes]) => `${name} ${Math.round(bytes / 1e6)} MB`)
      say(
        `round ${round}/${plan.rounds} in ${seconds} s: dropped ${now.dropped}/${expected.most.dropped}, unclaimed ${now.unclaimed}/${expected.most.unclaimed}; ${memory.join(', ')}`,
      )
    }
  } finally {
    slow.stop()
    wire.close()
    http.close()
  }
  return { expected, http: http.tally(), agentDropped, rss }
}

/** How much more memory the last rounds held than the first warm ones: medians, so that one collection more or less says nothing. */
const growth = (rss: readonly Rss[], part: Watched, warmRounds: number): number => {
  const warm = rss.slice(warmRounds)
  const half = Math.ceil(warm.length / 2)
  const of = (some: readonly Rss[]) => median(some.map(one => one[part]))
  return of(warm.slice(-half)) / of(warm.slice(0, half)) - 1
}

/** Everything at once, in rounds of the same mixture; then what was counted, what lives, and how much memory it holds. */
export const runFuzz = async (plan: Plan, say: Say): Promise<Report> => {
  say(`seed ${plan.seed}, ${plan.messages} messages in ${plan.rounds} rounds`)
  const random = makeRandom(plan.seed)
  const from = performance.now()
  const stage = await openStage(random, peers + strangers + 2)
  try {
    const { cluster, attacked } = stage
    const watch = startWatch(cluster, attacked.process.pid)
    const told = await attack(plan, stage, watch, random, say).catch(async (error: unknown) => {
      await watch.stop()
      throw error
    })
    await watch.stop()
    const now = await reconcile(cluster.moteUrl, told.expected)
    const agentSays = attacked.dropped()
    say(`dropped, by reason: ${JSON.stringify(await dropsByReason(cluster.moteUrl))}`)
    for (const line of [...told.http.faults, ...watch.pingsFailed, ...watch.healthsFailed].slice(0, 40)) say(line)
    const restarts = (part: Watched) => watch.restarts().filter(one => one === part).length
    const attackedAgentEnded = await Promise.race([attacked.process.exited.then(() => 1), wait(0, 0)])
    const grown = (part: Watched) => rounded(growth(told.rss, part, plan.warmRounds))
    const { requests, status } = told.http
    say(`HTTP answers: ${JSON.stringify(status)}`)
    say(`seed ${plan.seed}: again with --seed ${plan.seed}`)
    return {
      name: 'fuzz',
      measures: {
        seed: plan.seed,
        messages: plan.messages,
        seconds: rounded((performance.now() - from) / 1000),
        httpRequests: requests,
        brokerCrashes: restarts('broker'),
        serviceCrashes: restarts('re-mote') + restarts('re-core'),
        agentCrashes: restarts('agent') + attackedAgentEnded,
        messagesToBroker: told.expected.sent,
        toBeDropped: told.expected.most.dropped,
        connectionsLost: told.expected.connectionsLost,
        dropsUncounted: off(now, told.expected, 'dropped'),
        unclaimedUncounted: off(now, told.expected, 'unclaimed'),
        toBeDroppedByAgent: told.agentDropped,
        agentDropsUncounted: Math.abs(told.agentDropped - agentSays),
        http5xx: told.http.broken,
        httpUnanswered: told.http.unanswered,
        httpShapeless: told.http.shapeless,
        healthNotGreen: watch.healthsFailed.length,
        pings: watch.pingsMs.length,
        pingsFailed: watch.pingsFailed.length,
        pingP50Ms: rounded(median(watch.pingsMs)),
        pingP99Ms: rounded(quantile(watch.pingsMs, 0.99)),
        rssGrowthBroker: grown('broker'),
        rssGrowthMote: grown('re-mote'),
        rssGrowthCore: grown('re-core'),
        rssGrowthAgent: grown('agent'),
        rssGrowthAttackedAgent: grown('attacked agent'),
      },
      aims: {
        brokerCrashes: { atMost: 0 },
        serviceCrashes: { atMost: 0 },
        agentCrashes: { atMost: 0 },
        dropsUncounted: { atMost: 0 },
        unclaimedUncounted: { atMost: 0 },
        agentDropsUncounted: { atMost: 0 },
        http5xx: { atMost: 0 },
        httpUnanswered: { atMost: 0 },
        httpShapeless: { atMost: 0 },
        healthNotGreen: { atMost: 0 },
        pings: { atLeast: 1 },
        pingsFailed: { atMost: 0 },
        rssGrowthBroker: { atMost: rssGrowthMax },
        rssGrowthMote: { atMost: rssGrowthMax },
        rssGrowthCore: { atMost: rssGrowthMax },
        rssGrowthAgent: { atMost: rssGrowthMax },
        rssGrowthAttackedAgent: { atMost: rssGrowthMax },
      },
    }
  } finally {
    await stage.close()
  }
}

/** `chaos fuzz [--messages N] [--seed N] [--short yes] [--keep no]` */
export const fuzz: Proof = {
  doc: 'hostile ZeroMQ messages and HTTP requests, real ones changed and random ones, against re-mote, its broker, re-core and agents',
  run: ({ say, flag }) => {
    const form = flag('short') === undefined ? fullForm : shortForm
    const seed = Number(flag('seed') ?? Date.now() % 1_000_000)
    return runFuzz({ ...form, messages: Number(flag('messages') ?? form.messages), seed }, say)
  },
}
