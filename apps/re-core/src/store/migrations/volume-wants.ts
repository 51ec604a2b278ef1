/** What is wanted of a volume with a life of its own, until it is so. */
export const volumeWants = {
  name: '0039-volume-wants',
  sql: `
alter table core.volume
  add column want_gb integer,
  add column want_zone text,
  add column leaving boolean not null default false,
  add column op_ref text,
  add column problem text,
  add column attempt integer not null default 0,
  add column next_at timestamptz,
  add column epoch bigint not null default 0;
comment on column core.volume.next_at is 'when it is looked at again; null = it is as it is wanted, or a person has to ask again';
comment on column core.volume.problem is 'why it is not as it was wanted';
comment on column core.volume.epoch is 'taken by each attempt; every later write of an attempt names its own';
create index volume_next on core.volume (next_at) where next_at is not null;
`,
} as const
