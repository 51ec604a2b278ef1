import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { query } from './query.ts'

/** What tells why something does not come to rest, from the rows of each service. Requests, which are sealed, stay away. */
const queries = {
  core: {
    system: `select id, name, desired, want_generation, generation, candidate, phase, phases, phase_at, reason, attempt, restarts, next_at, registered_at,
      sent_at, ref, destroyed_at, revoked_at, observed, observed_at, down_at, missing_at, host, lease_epoch from core.system where phase <> 'gone'`,
    job: `select * from core.job where finished_at is null`,
    sighting: `select * from core.sighting`,
    queue: `select * from core_boss.job where state <= 'active' or created_on > now() - interval '5 minutes' order by created_on`,
  },
  mote: {
    run: `select * from mote.run where finished_at is null`,
    target: `select t.* from mote.target t join mote.run r on r.id = t.run where r.finished_at is null`,
    call: `select c.* from mote.call c join mote.run r on r.id = c.run where r.finished_at is null`,
    host: `select id, name, state, state_reason, labels, seen_at, pid, journal_counter from mote.host`,
    session: `select * from mote.session`,
    audit: `select * from mote.audit order by at desc limit 200`,
  },
} as const

const rowsOf = (url: string, text: string): Promise<unknown> =>
  query(url, text).catch((error: unknown) => ({ error: (error as Error).message }))

/** Copies what explains a run that fell short, before its state folder goes: logs, journals, rows. Answers where it is. */
export const keepEvidence = async (state: string, urls: { core: string; mote: string }): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-evidence-'))
  if (existsSync(join(state, 'log'))) cpSync(join(state, 'log'), join(folder, 'log'), { recursive: true })
  const below = (part: string) =>
    existsSync(join(state, part)) ? readdirSync(join(state, part)).map(name => join(state, part, name)) : []
  for (const agent of [...below('hosts'), ...below('local')]) {
    const to = join(folder, 'agents', basename(agent))
    mkdirSync(to, { recursive: true })
    for (const name of ['agent.log', 'journal', 'agent.json', 'process.json'])
      if (existsSync(join(agent, name))) cpSync(join(agent, name), join(to, name), { recursive: true })
  }
  for (const service of ['core', 'mote'] as const)
    for (const [name, text] of Object.entries(queries[service]))
      writeFileSync(join(folder, `${service}.${name}.json`), JSON.stringify(await rowsOf(urls[service], text), null, 1))
  return folder
}
