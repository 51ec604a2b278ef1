/** Where a system's machine is reached, and who said so. */
export const addresses = {
  name: '0034-addresses',
  sql: `
alter table core.system add column addresses jsonb not null default '[]';
comment on column core.system.addresses is 'of the machine: its provider''s, then those that its agent has seen';
`,
} as const
