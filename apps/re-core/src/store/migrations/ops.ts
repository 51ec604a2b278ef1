/** One-shot verbs, changes of a machine that is there, and snapshots. */
export const ops = {
  name: '0023-ops',
  sql: `
create table core.snapshot (
  id uuid primary key,
  name text not null,
  provider text not null,
  account text not null,
  region text not null,
  system uuid not null,
  system_name text not null,
  readiness text not null,
  machine text,
  image text not null,
  state text not null,
  ref text,
  size_gb double precision,
  error text,
  created_at timestamptz not null
);
comment on column core.snapshot.machine is 'the instance it is made of, by the provider''s id';
create unique index snapshot_name on core.snapshot (name);

create table core.op (
  id uuid primary key,
  system uuid not null references core.system on delete cascade,
  kind text not null,
  generation integer not null,
  force boolean not null default false,
  snapshot uuid,
  sent_at timestamptz,
  accepted_at timestamptz,
  op_ref text,
  before uuid,
  state text not null default 'open',
  error text,
  created_at timestamptz not null,
  finished_at timestamptz
);
comment on table core.op is 'verbs that are not the same when they are done twice';
comment on column core.op.sent_at is 'committed before it is sent: from here on it may have been done';
create unique index op_open on core.op (system) where finished_at is null;

alter table core.system
  add column name_there text,
  add column labels_there jsonb,
  add column image_ref text,
  add column want_size text,
  add column op_ref text,
  add column force_at timestamptz,
  add column stop_sent_at timestamptz,
  add column op uuid,
  add column verdict jsonb;
update core.system set name_there = name, labels_there = labels where frozen_request is not null;
comment on column core.system.verdict is 'what the last verb came to when it is not what was wanted; its job ends with it';

alter table core.job add column input jsonb not null default '{}';
`,
} as const
