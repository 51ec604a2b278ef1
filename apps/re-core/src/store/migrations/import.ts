/** What an account refuses for the time being, and since when. */
export const importMigration = {
  name: '0026-import',
  sql: `
alter table core.account add column parked_for text, add column parked_since timestamptz;
update core.account set parked_for = 'all', parked_since = now(), parked_until = now() where problem is not null;
comment on column core.account.parked_for is 'all, list or create: what it refuses; null = nothing';
comment on column core.account.parked_until is 'until then nobody tries again; after it one does';
create index system_place on core.system (account, region, ref) where phase <> 'gone';
`,
} as const
