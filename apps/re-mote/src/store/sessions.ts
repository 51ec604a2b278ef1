import type { Hello } from '../broker/port.ts'
import type { Tx } from '@re-ops/service'
import type { Sql } from './sql.ts'

/** Why a hello put its host in quarantine; the row keeps the word, people are told the sentence. */
export const quarantineReasons: Readonly<Record<string, string>> = {
  counter: 'the journal counts less than it did: this may be a copy of the host, confirm it first',
  clone: 'two living copies speak for this host: confirm it first',
}

export type HelloVerdict = 'ok' | 'unknown' | 'quarantined' | 'revoked' | 'stale' | 'counter' | 'clone'
export type JudgedHello = { readonly host: string; readonly verdict: HelloVerdict; readonly epoch: number | null }

/**
 * Judges a batch of hellos (one per host) and takes the next epoch for each good one, in one statement. Two living copies of one identity
 * show in two ways: a journal that counts less than it did, and a boot id that comes back after another one took its place. A hello that was under way
 * with one broker, while its agent died or gave up and came back with another, shows the same: it is `stale` when its challenge is older than the
 * session there is. A living copy comes again. Begin a transaction for it: the wait for a connection would make hellos look younger than they are.
 */
export const judgeHellos = async (sql: Tx, broker: string, hellos: readonly Hello[]): Promise<JudgedHello[]> => {
  const { rows } = await sql.query<{ host: string; verdict: HelloVerdict; epoch: string | null }>({
    name: 'judge-hellos',
    text: `
with h as (select * from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::int[], $6::text[], $7::float8[], $8::json[])
  as h(host, boot, counter, pid, version, age_ms, addresses)),
judged as materialized (
  select h.*, case
      when x.id is null then 'unknown'
      when x.state <> 'enrolled' then x.state
      when h.counter < x.journal_counter
        or s.boot is distinct from h.boot and exists (select from mote.boot b where b.host = h.host and b.boot = h.boot)
        then case when s.seen_at >= now() - make_interval(secs => h.age_ms / 1000) then 'stale'
          when h.counter < x.journal_counter then 'counter' else 'clone' end
      else 'ok' end as verdict
  from h left join mote.host x on x.id = h.host left join mote.session s on s.host = h.host),
begun as (
  insert into mote.session as s (host, broker, epoch, boot) select host, $1, 1, boot from judged where verdict = 'ok'
  on conflict (host) do update set broker = excluded.broker, epoch = s.epoch + 1, boot = excluded.boot, seen_at = now(),
    ended_at = null, end_reason = null
  returning host, epoch),
booted as (insert into mote.boot (host, boot) select host, boot from judged where verdict = 'ok' on conflict do nothing),
seen as (update mote.host x set seen_at = now(), pid = j.pid, version = j.version, journal_counter = j.counter,
           addresses = coalesce(j.addresses, x.addresses)
         from judged j where x.id = j.host and j.verdict = 'ok'),
doubted as (update mote.host x set state = 'quarantined', state_reason = j.verdict
            from judged j where x.id = j.host and j.verdict in ('counter', 'clone'))
select j.host, j.verdict, begun.epoch from judged j left join begun on begun.host = j.host`,
    values: [
      broker,
      hellos.map(one => one.agent),
      hellos.map(one => one.boot),
      hellos.map(one => one.journalCounter),
      hellos.map(one => one.pid),
      hellos.map(one => one.version),
      hellos.map(one => Math.max(0, Date.now() - one.challengedAt)),
      hellos.map(one => (one.addresses === undefined ? null : JSON.stringify(one.addresses))),
    ],
  })
  return rows.map(row => ({ ...row, epoch: row.epoch === null ? null : Number(row.epoch) }))
}

export type EndedSession = { readonly agent: string; readonly epoch: number; readonly reason: string }
export const endSessions = async (sql: Sql, ended: readonly EndedSession[]): Promise<void> => {
  await sql.query(
    `with e as (select * from unnest($1::uuid[], $2::bigint[], $3::text[]) as e(host, epoch, reason)),
       seen as (update mote.host h set seen_at = now() from e where h.id = e.host and e.reason <> 'silent')
     update mote.session s set ended_at = now(), end_reason = e.reason from e
     where s.host = e.host and s.epoch = e.epoch and s.ended_at is null`,
    [ended.map(one => one.agent), ended.map(one => one.epoch), ended.map(one => one.reason.slice(0, 128))],
  )
}

/** Not of a broker whose service is alive. */
const ofNobody = `not exists (select from mote.replica p where p.broker = s.broker and p.lease_until > now())`

/** Ends what brokers of the past left open. One that began a moment ago may be of a broker that is not announced yet. */
export const endForeignSessions = async (sql: Sql, broker: string): Promise<void> => {
  await sql.query(
    `update mote.session s set ended_at = now(), end_reason = 'the broker ended'
     where s.broker <> $1 and s.ended_at is null and s.seen_at < now() - interval '10 s' and ${ofNobody}`,
    [broker],
  )
}

/** Hosts whose session was live when the last broker ended: they are on their way back. */
export const openSessions = async (sql: Sql): Promise<string[]> => {
  const { rows } = await sql.query<{ host: string }>(
    `select host from mote.session s where s.ended_at is null and ${ofNobody}`,
  )
  return rows.map(row => row.host)
}
