import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import type { Stats } from '../../simulator/index.ts'
import type { Rig } from './rig.ts'

const sampled = 25
const settledWithinMs = 10_000
const pollMs = 50
const lazyLinesMs = 6_000

const linesOf = (folder: string): { id: string }[] =>
  readdirSync(folder)
    .filter(name => name.endsWith('.ndjson'))
    .flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n'))
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as { id: string })

/**
 * Whether every promise of delivery was on: for each of the runs every agent acknowledged, journalled the start and the
 * end, had the result in its ring on disk, was told that it is committed, and Postgres holds it. Throws naming what is off.
 */
export const checkPromises = async (rig: Rig, runs: readonly string[], before: Stats): Promise<void> => {
  const expected = runs.length * rig.agents
  const equal = (what: string, count: number, wanted: number): void => {
    if (count !== wanted) throw new Error(`a promise is off: ${what}: ${count} instead of ${wanted}`)
  }
  const now = await settled(rig)
  const since = (key: 'started' | 'ended') => now[key] - before[key]
  equal('acknowledgements on the wire', acks(now) - acks(before), expected)
  equal('starts in journals', since('started'), expected)
  equal('ends in journals', since('ended'), expected)
  equal('results settled after their commit, of all so far', now.settled, now.ended)

  const client = new pg.Client({ connectionString: rig.databaseUrl })
  await client.connect()
  try {
    const counted = async (sql: string) => Number((await client.query(sql, [runs])).rows[0]?.n)
    equal('calls that ended ok in Postgres', await counted(callsEnded), expected)
    equal('targets that are ok in Postgres', await counted(targetsOk), expected)
    const { rows } = await client.query<{ fsync: string; commit: string }>(
      `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`,
    )
    equal('fsync and synchronous_commit of Postgres on', rows[0]?.fsync === 'on' && rows[0].commit === 'on' ? 2 : 0, 2)
    for (const agent of rig.fleet.journals().slice(0, sampled)) {
      const calls = await client.query<{ id: string }>(callsOf, [runs, agent.name])
      const ids = new Set(calls.rows.map(({ id }) => id))
      const inJournal = (t: string) =>
        agent.lines().filter(line => line.t === t && 'id' in line && ids.has(line.id)).length
      equal(`calls of ${agent.name} in Postgres`, ids.size, runs.length)
      equal(`starts on the disk of ${agent.name}`, inJournal('start'), runs.length)
      equal(`ends on the disk of ${agent.name}`, inJournal('end'), runs.length)
      const results = linesOf(join(agent.folder, 'ring')).filter(({ id }) => ids.has(id)).length
      equal(`results on the disk of ${agent.name}`, results, runs.length)
    }
  } finally {
    await client.end()
  }
}

/** The stats once every result is settled and the lines that agents write a little later are on disk. */
const settled = async (rig: Rig): Promise<Stats> => {
  const until = performance.now() + settledWithinMs
  for (;;) {
    const now = await rig.fleet.stats()
    const isSettled = now.settled >= now.ended
    if (isSettled || performance.now() > until) {
      await wait(lazyLinesMs)
      return now
    }
    await wait(pollMs)
  }
}

/** Said alone, or by the result of what only reads and ended at once. */
const acks = ({ said }: Stats) => (said['call.acked'] ?? 0) + (said['call.result+acked'] ?? 0)

const callsEnded = `select count(*) as n from mote.target where run = any($1::uuid[]) and call is not null and ended_by is not null and finished_at is not null`
const targetsOk = `select count(*) as n from mote.target where run = any($1::uuid[]) and state = 'ok'`
const callsOf = `select call as id from mote.target where run = any($1::uuid[]) and host_name = $2`
