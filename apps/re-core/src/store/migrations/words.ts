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
