import { quotas } from './migrations/quotas.ts'
import { extras } from './migrations/extras.ts'
import { addresses } from './migrations/addresses.ts'
import { sightings } from './migrations/sightings.ts'
import { ops } from './migrations/ops.ts'
import { importMigration } from './migrations/import.ts'
import { leases } from './migrations/leases.ts'
import { volumeOps } from './migrations/volume-ops.ts'
import { volumeWants } from './migrations/volume-wants.ts'
import { userDataMigration, volumeMigration, wordsMigration } from './migrations/words.ts'

/** Forward only. Times are the service's clock; the fence and the order of writes are the database's. */
export const migrations = [
  {
    name: '0001-systems',
    sql: `
create table core.installation (
  one boolean primary key default true check (one),
  id uuid not null
);

create table core.system (
  id uuid primary key,
  name text not null,
  provider text not null,
  type text not null,
  size text not null,
  image text not null,
  labels jsonb not null,
  readiness text not null,
  protected boolean not null,
  desired text not null,
  want_generation integer not null default 1,
  generation integer not null default 1,
  candidate integer not null default 0,
  phase text not null,
  phases jsonb not null,
  phase_at timestamptz not null,
  reason text,
  attempt integer not null default 0,
  restarts integer not null default 0,
  next_at timestamptz,
  frozen_request bytea,
  registered_at timestamptz,
  sent_at timestamptz,
  ref text,
  destroyed_at timestamptz,
  revoked_at timestamptz,
  observed text,
  observed_at timestamptz,
  down_at timestamptz,
  missing_at timestamptz,
  host uuid,
  lease_epoch bigint not null default 0,
  created_at timestamptz not null,
  create_called_at timestamptz,
  ready_after_ms integer
);
comment on column core.system.sent_at is 'committed before the first send: from here on a machine may exist';
comment on column core.system.lease_epoch is 'taken by each attempt; every later write of an attempt names its own';
create unique index system_name on core.system (name) where phase <> 'gone';
create index system_next on core.system (next_at) where phase <> 'gone' and next_at is not null;
create index system_ref on core.system (provider, ref) where phase <> 'gone';

create table core.job (
  id uuid primary key,
  system uuid not null references core.system on delete cascade,
  verb text not null,
  state text not null,
  error text,
  phases jsonb not null default '[]',
  created_at timestamptz not null,
  finished_at timestamptz
);
create unique index job_in_flight on core.job (system) where finished_at is null;
create index job_newest on core.job (created_at desc);
create index job_of_system on core.job (system, created_at desc);

create table core.sighting (
  provider text not null,
  ref text not null,
  system uuid not null,
  generation integer not null,
  candidate integer not null,
  certain boolean not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  times integer not null default 1,
  primary key (provider, ref)
);
comment on table core.sighting is 'machines that carry one of our identities and are not the one their system holds';
comment on column core.sighting.certain is 'seen as the answer to a create of ours, or seen twice, long enough apart';

create function core.tell() returns trigger language plpgsql as $$
begin
  perform pg_notify('core_event', tg_table_name || ':' || new.id);
  return new;
end $$;
create trigger tell after insert or update on core.system for each row execute function core.tell();
create trigger tell after insert or update on core.job for each row execute function core.tell();
`,
  },
  {
    name: '0020-buckets',
    sql: `
create table core.bucket (
  account text not null,
  region text not null,
  family text not null,
  per_second double precision not null,
  burst double precision not null,
  tokens double precision not null,
  share double precision not null default 1,
  counted_at timestamptz not null,
  blocked_until timestamptz,
  primary key (account, region, family)
);
comment on table core.bucket is 'what is left of a provider''s limit on calls, shared by all replicas';
comment on column core.bucket.share is 'of per_second and burst: halved when the provider refuses, grows back with time';

create table core.bucket_waiter (
  account text not null,
  region text not null,
  family text not null,
  waiter uuid not null,
  due timestamptz not null,
  heard_at timestamptz not null,
  primary key (account, region, family, waiter)
);
comment on column core.bucket_waiter.due is 'since when it waits, later by 10 s for each class below the first: who goes next';
`,
  },
  {
    name: '0021-accounts',
    sql: `
create table core.account (
  name text primary key,
  provider text not null,
  regions text[] not null,
  secret text,
  settings jsonb not null,
  provider_id text,
  verified_at timestamptz,
  problem text,
  created_at timestamptz not null
);
comment on column core.account.secret is 'a reference (secret:, file:, env:), never the secret';

alter table core.system
  add column account text not null default 'local',
  add column region text not null default 'local',
  add column options jsonb not null default '{}';
alter table core.system alter column account drop default, alter column region drop default;
drop index core.system_ref;
create index system_ref on core.system (provider, account, region, ref) where phase <> 'gone';

alter table core.sighting
  add column account text not null default 'local',
  add column region text not null default 'local';
alter table core.sighting drop constraint sighting_pkey, add primary key (provider, account, region, ref);

create table core.scarce (
  account text not null,
  region text not null,
  offering text not null,
  until timestamptz not null,
  primary key (account, region, offering)
);
comment on table core.scarce is 'what was refused a short while ago for want of capacity; passed over until then';
`,
  },
  {
    name: '0022-protection',
    sql: `
alter table core.system add column protected_there boolean not null default false;
update core.system set protected_there = protected;
comment on column core.system.protected_there is 'what the provider was last told of its protection';
`,
  },
  ops,
  leases,
  wordsMigration,
  userDataMigration,
  volumeMigration,
  importMigration,
  quotas,
  extras,
  addresses,
  sightings,
  volumeOps,
  volumeWants,
]
