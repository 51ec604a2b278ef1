/** Volumes and firewalls that are asked for together with a system. */
export const extras = {
  name: '0027-extras',
  sql: `
alter table core.system
  add column beside_done integer not null default 0,
  add column keep_volumes boolean not null default false;
comment on column core.system.beside_done is 'how many of its firewalls and volumes are in place, in their order';

alter table core.volume
  add column system uuid,
  add column sent_at timestamptz,
  add column zone text;
comment on column core.volume.system is 'it was made with this system and ends with it; null = it has a life of its own';
comment on column core.volume.sent_at is 'committed before its provider is asked: from here on it may exist';
create index volume_system on core.volume (system) where system is not null;
comment on table core.volume is 'destroying a machine keeps these; those of a system are deleted afterwards';
`,
} as const
