/** What cloud-init is given, sealed; rows only for systems that have some. */
export const userDataMigration = {
  name: '0025-user-data',
  sql: `
create table core.user_data (
  system uuid primary key references core.system on delete cascade,
  sealed bytea not null
);
`,
}

/** Volumes with a life of their own: their names, written down before their provider is asked. */
export const volumeMigration = {
  name: '0025-volumes',
  sql: `
create table core.volume (
  id uuid primary key,
  provider text not null,
  account text not null,
  region text not null,
  name text not null,
  ref text,
  created_at timestamptz not null,
  unique (account, region, name)
);
comment on table core.volume is 'destroying a machine keeps these';
`,
}

/** Names for sizes, images, regions, types and presets that people saved; those that are shipped are no rows. */
export const wordsMigration = {
  name: '0025-words',
  sql: `
create table core.word (
  kind text not null,
  name text not null,
  body jsonb not null,
  changed_at timestamptz not null,
  primary key (kind, name)
);
`,
}
