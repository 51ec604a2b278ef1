/** Leases, what re-core does by itself and what holds it back, machines that were there before us, drift. */
export const leases = {
  name: '0024-leases',
  sql: `
alter table core.system
  add column lease_ms bigint,
  add column lease_expires_at timestamptz,
  add column lease_max_at timestamptz,
  add column lease_on_end text not null default 'destroy',
  add column lease_by text,
  add column lease_there timestamptz,
  add column lease_note text,
  add column origin text not null default 'created',
  add column managed text not null default 'full',
  add column fixes text[] not null default '{power}',
  add column on_lost text not null default 'alert',
  add column drift jsonb not null default '[]';
comment on column core.system.lease_there is 'the expiry that its machine was last marked with';
comment on column core.system.origin is 'imported: it was there before us and is never ended by itself';
create index system_lease on core.system (lease_expires_at) where phase <> 'gone' and lease_expires_at is not null;

alter table core.account add column max_systems integer, add column parked_until timestamptz;
comment on column core.account.max_systems is 'ours, below what the provider allows; null = no limit of ours';

create table core.alarm (
  provider text not null,
  account text not null,
  region text not null,
  ref text not null,
  kind text not null,
  system uuid,
  text text not null,
  freezes boolean not null,
  since timestamptz not null default now(),
  primary key (provider, account, region, ref, kind)
);
comment on table core.alarm is 'what was seen at a provider and needs a person; open until it is no longer seen';
comment on column core.alarm.freezes is 'it is newer than our rows, so nothing is ended by itself in its account';

create table core.notice (
  id uuid primary key,
  at timestamptz not null default now(),
  kind text not null,
  account text,
  region text,
  system uuid,
  ref text,
  text text not null
);
create index notice_newest on core.notice (at desc);
create trigger tell after insert on core.notice for each row execute function core.tell();
`,
} as const
