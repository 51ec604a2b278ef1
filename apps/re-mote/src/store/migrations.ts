import { idempotencyMigration, secretMigration } from '@re-ops/service'

/**
 * Forward only; a migration that was released is never changed. `json` (not jsonb) for what hosts answered: it is kept byte for byte, and
 * jsonb refuses some strings that are valid JSON. No foreign keys on call and target: their rows are written in batches by one writer.
 */
export const migrations: readonly { readonly name: string; readonly sql: string }[] = [
  {
    name: '001-foundation',
    sql: `
do $$ begin
  if current_setting('server_version_num')::int >= 180000 then
    create function mote.new_id() returns uuid language sql volatile as 'select uuidv7()';
  else
    create function mote.new_id() returns uuid language sql volatile as 'select gen_random_uuid()';
  end if;
end $$;

create table mote.installation (
  single boolean primary key default true check (single),
  id uuid not null,
  keys text not null, -- root, CURVE server and seal keys, encrypted under the master key
  keyset json not null,
  created_at timestamptz not null default now()
);

create table mote.enrolment (
  id uuid primary key,
  token_hash text not null unique,
  system uuid, generation int, candidate int,
  name text,
  labels jsonb not null default '{}',
  uses int not null, uses_left int not null,
  expires_at timestamptz not null,
  sources text[] not null default '{}',
  created_by text not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  unique (system, generation, candidate)
);
create table mote.enrolment_use (
  enrolment uuid not null references mote.enrolment,
  curve_key text not null, sign_key text not null,
  host uuid not null,
  at timestamptz not null default now(),
  primary key (enrolment, curve_key, sign_key)
);
create table mote.revoked_system (system uuid primary key, generation int not null, at timestamptz not null default now());

create sequence mote.allow_version;
create table mote.host (
  id uuid primary key,
  name text not null,
  labels jsonb not null default '{}',
  facts jsonb not null default '{}',
  state text not null default 'enrolled' check (state in ('enrolled', 'quarantined', 'revoked')),
  state_reason text,
  curve_key text not null unique,
  sign_key text not null,
  instance text not null,
  version text, pid int,
  system uuid, generation int,
  journal_counter bigint not null default 0,
  allow_version bigint not null default nextval('mote.allow_version'),
  enrolled_at timestamptz not null default now(),
  seen_at timestamptz
);
create index host_system on mote.host (system, generation) where system is not null;
create index host_allow_version on mote.host (allow_version);
create index host_name on mote.host (name);

create function mote.allow_changed() returns trigger language plpgsql as $$ begin
  new.allow_version := nextval('mote.allow_version');
  perform pg_notify('mote_allow', new.id::text);
  return new;
end $$;
create trigger host_added before insert on mote.host for each row execute function mote.allow_changed();
create trigger host_state before update of state on mote.host for each row
  when (old.state is distinct from new.state) execute function mote.allow_changed();

create table mote.session (
  host uuid primary key,
  broker uuid not null,
  epoch bigint not null,
  boot uuid not null,
  seen_at timestamptz not null default now(),
  ended_at timestamptz,
  end_reason text
);
create table mote.boot (host uuid not null, boot uuid not null, at timestamptz not null default now(), primary key (host, boot));

create table mote.run (
  id uuid primary key,
  selector text not null,
  pipeline json not null,
  timeout_ms int,
  state text not null check (state in ('running', 'done')),
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  cancelled_at timestamptz,
  created_by text not null,
  request_id text not null,
  expected int not null, open int not null, ok int not null, failed int not null,
  idempotency_key text, body_hash text
);
create unique index run_idempotency on mote.run (created_by, idempotency_key) where idempotency_key is not null;
create index run_running on mote.run (created_at) where state = 'running';

create table mote.target (
  run uuid not null, host uuid not null, host_name text not null,
  state text not null,
  step text,
  cursor json,
  gathered boolean not null default false,
  call uuid,
  ms double precision,
  value json, failure json,
  finished_at timestamptz,
  primary key (run, host)
);

create table mote.call (
  id uuid primary key,
  run uuid not null, host uuid not null,
  operation text not null, input json not null, step text not null,
  timeout_ms int not null,
  state text not null,
  epoch bigint,
  redeliveries int not null default 0,
  created_at timestamptz not null default now(),
  acked_at timestamptz,
  ended_at timestamptz,
  ended_by uuid, -- the commit batch, so that a batch whose answer was lost can be tried again
  late json
);
create index call_open on mote.call (run) where ended_at is null;

create table mote.audit (
  id uuid primary key default mote.new_id(),
  at timestamptz not null default now(),
  action text not null,
  subject text,
  host uuid,
  detail json not null default '{}'
);
create index audit_at on mote.audit (at);
create index audit_host on mote.audit (host, action);
`,
  },
  // Its place is the one it was released at.
  idempotencyMigration('mote'),
  {
    // The call a target is at lives in the target's own row; mote.call keeps the earlier ones. A run of one step so costs one
    // row per host and one update of it in place (room is left on the page), instead of two of each.
    name: '002-call-in-target',
    sql: `
alter table mote.target
  add column call_state text,
  add column epoch bigint,
  add column redeliveries int not null default 0,
  add column call_at timestamptz,
  add column acked_at timestamptz,
  add column ended_by uuid, -- the commit batch, so that a batch whose answer was lost can be tried again
  add column late json;
alter table mote.target set (fillfactor = 60);
update mote.target t set call_state = c.state, epoch = c.epoch, redeliveries = c.redeliveries, call_at = c.created_at,
  acked_at = c.acked_at, ended_by = c.ended_by, late = c.late
from mote.call c where c.id = t.call;
delete from mote.call c using mote.target t where t.call = c.id;
create index target_call on mote.target (call);
drop index mote.call_open;
alter table mote.call drop column input, drop column timeout_ms;
`,
  },
  {
    name: '002-selection',
    sql: `
alter table mote.host add column facts_at timestamptz;
-- What selectors ask with plain values (src/selector/sql.ts): names, beginnings of names, one value at one path of labels or facts. Without a list
-- of pending entries, which every reader would have to read through, and which makes the planner avoid the index.
create index host_name_pattern on mote.host (name text_pattern_ops);
create index host_labels on mote.host using gin (labels jsonb_path_ops) with (fastupdate = off);
create index host_facts on mote.host using gin (facts jsonb_path_ops) with (fastupdate = off);


create table mote.selector (
  name text primary key,
  selector text not null,
  doc text,
  saved_by text not null,
  saved_at timestamptz not null default now()
);
alter table mote.run add column wait_online_ms int;
`,
  },
  {
    // Hosts without an agent, reached over SSH, and SSH settings for hosts that have one. Settings hold references, never credentials.
    name: '003-ssh',
    sql: `
alter table mote.host alter column curve_key drop not null, alter column sign_key drop not null, alter column instance drop not null;
alter table mote.host
  add column transport text not null default 'zmq' check (transport in ('zmq', 'ssh')),
  add column ssh jsonb,
  add column ssh_error text, -- why the last try to reach it over SSH failed; null: it was reached, or never tried
  add constraint host_keys check (transport = 'ssh' or (curve_key is not null and sign_key is not null and instance is not null)),
  add constraint host_ssh check (transport = 'zmq' or ssh is not null);
create unique index host_ssh_name on mote.host (name) where transport = 'ssh' and state <> 'revoked';
create function mote.ssh_changed() returns trigger language plpgsql as $$ begin
  perform pg_notify('mote_ssh', new.id::text);
  return null;
end $$;
create trigger host_ssh_changed after update of ssh, state, name on mote.host for each row
  when (old.ssh is not null or new.ssh is not null) execute function mote.ssh_changed();
${secretMigration('mote').sql}
`,
  },
  {
    name: '004-modules',
    sql: `
create table mote.module (
  hash text primary key, -- of code, operations and limits
  code text not null,
  operations json not null,
  limits json not null,
  pushed_by text not null,
  pushed_at timestamptz not null default now(),
  sign_key text not null, signature text not null,
  revoked_at timestamptz, revoked_by text
);
create index module_pushed on mote.module (pushed_at);
create index module_revoked on mote.module (revoked_at) where revoked_at is not null;
create function mote.module_revoked() returns trigger language plpgsql as $$ begin
  perform pg_notify('mote_module', new.hash);
  return null;
end $$;
create trigger module_revoked after update of revoked_at on mote.module for each row
  when (old.revoked_at is null and new.revoked_at is not null) execute function mote.module_revoked();
`,
  },
  {
    // Columns of runs alone: a target that is held for its turn is a row that is open and has neither a call nor a barrier.
    name: '005-run-control',
    sql: `
alter table mote.run
  add column control json, -- how hosts take their turns; null: all at once
  add column dry boolean not null default false,
  add column retry_of uuid,
  add column paused_at timestamptz,
  add column stopped json; -- the rule that stopped it, committed before what follows from it
`,
  },
  {
    // Agents that are put onto SSH hosts: the host keeps its id and gets keys, or loses them again.
    name: '008-agent',
    sql: `
alter table mote.host
  add column agent json, -- where it was deployed: {prefix, build, init, root}
  add column keys_at timestamptz; -- when its keys were enrolled; null: with the host
alter table mote.enrolment add column host uuid; -- the SSH host that gets its agent by this token
create trigger host_keys_changed before update of curve_key on mote.host for each row
  when (old.curve_key is distinct from new.curve_key) execute function mote.allow_changed();

-- Keys of agents that were taken from their hosts: they are refused for good, under an id of their own.
create table mote.retired_key (
  curve_key text primary key,
  sign_key text not null,
  id uuid not null default mote.new_id(),
  host uuid not null,
  reason text not null,
  retired_at timestamptz not null default now(),
  allow_version bigint not null default nextval('mote.allow_version')
);
create index retired_key_version on mote.retired_key (allow_version);
create function mote.key_retired() returns trigger language plpgsql as $$ begin
  perform pg_notify('mote_allow', new.host::text);
  return null;
end $$;
create trigger key_retired after insert on mote.retired_key for each row execute function mote.key_retired();

create table mote.deployment (
  id uuid primary key,
  verb text not null check (verb in ('deploy', 'remove')),
  selector text not null,
  build text,
  created_by text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  seen_at timestamptz not null default now() -- by the service that does it
);
create index deployment_open on mote.deployment (seen_at) where finished_at is null;
create table mote.deployment_host (
  deployment uuid not null references mote.deployment on delete cascade,
  host uuid not null, host_name text not null,
  state text not null default 'queued',
  phase text not null default 'waiting',
  phases json not null default '[]',
  ms double precision,
  changed boolean, said text, failure json,
  primary key (deployment, host)
);
`,
  },
  {
    // Contents of files by their hash, in chunks by theirs: what several files, or several services, have in common is stored once.
    name: '006-files',
    sql: `
create table mote.file_chunk (
  hash text primary key,
  bytes bytea not null,
  used_at timestamptz not null default now()
);
alter table mote.file_chunk alter column bytes set storage external; -- contents rarely get smaller, and are read whole
create index file_chunk_used on mote.file_chunk (used_at);
create table mote.file (
  hash text primary key,
  size bigint not null,
  chunks text[] not null, -- from the beginning on, as far as they are here
  prefixes text[] not null, -- for each, the hash of all up to its end: what a host has already is compared with it
  complete boolean not null,
  created_by text not null, created_at timestamptz not null default now(), used_at timestamptz not null default now()
);
create index file_used on mote.file (used_at);
create index file_chunks on mote.file using gin (chunks);
`,
  },
  {
    name: '008-samples',
    sql: `
create table mote.agent_schedule (
  id uuid primary key,
  name text not null,
  selector text not null,
  operation text not null, input json not null,
  every_ms int not null, timeout_ms int not null, keep_ms bigint not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  removed_at timestamptz
);
create unique index agent_schedule_name on mote.agent_schedule (name) where removed_at is null;
-- A sample is there once, however often it is delivered. json, as what hosts answered elsewhere.
create table mote.sample (
  schedule uuid not null, host uuid not null,
  series uuid not null, seq bigint not null, n bigint not null,
  at timestamptz not null,
  ms double precision not null,
  value json, failure text,
  primary key (host, series, seq)
);
create index sample_at on mote.sample (schedule, host, at);
-- How far each host is: what was taken, and what a full ring lost.
create table mote.sample_count (
  schedule uuid not null, host uuid not null, series uuid not null,
  n bigint not null, dropped bigint not null default 0, last_at timestamptz not null,
  primary key (schedule, host, series)
);
`,
  },
  {
    // Several services on one Postgres: each drives runs of its own, and says by a lease on the database's clock that it is alive.
    name: '007-brokers',
    sql: `
create table mote.replica (
  id uuid primary key, -- of the state folder
  life uuid not null, -- of the process; an older one that still runs finds another life here and ends
  broker uuid,
  endpoint text, -- what agents dial
  lease_until timestamptz not null
);
-- What one service has for another, until that takes it: batches, never a row per host.
create table mote.relay (
  id bigint generated always as identity primary key,
  to_replica uuid not null,
  from_replica uuid not null,
  items json not null,
  at timestamptz not null default now()
);
create index relay_to on mote.relay (to_replica, id);
alter table mote.run add column owner uuid; -- the replica that drives it
`,
  },
  {
    // Calls that ended `lost` because nobody knew what had become of them: their hosts are asked when they are there, and a row goes with the answer.
    name: '010-given-up',
    sql: `
create table mote.given_up (
  host uuid not null,
  call uuid not null,
  step text not null,
  acked boolean not null,
  cancel boolean not null, -- it was being cancelled: its host still has to end it
  at timestamptz not null default now(),
  primary key (host, call)
);
`,
  },
  {
    name: '011-addresses',
    sql: `
alter table mote.host add column addresses json;
comment on column mote.host.addresses is 'of its network interfaces, as its agent''s last hello said';
`,
  },
  {
    name: '012-relay-batch',
    sql: `
alter table mote.relay add column batch uuid; -- of its sender, who may store it twice; null: of an earlier version
`,
  },
]
