/** Who asked for a system, and how many each may have. */
export const quotas = {
  name: '0028-quotas',
  sql: `
alter table core.system add column created_by text;
create index system_created_by on core.system (created_by) where phase <> 'gone';
create table core.quota (
  subject text primary key,
  max_systems int not null
);
comment on table core.quota is 'by the subject of a token; * = of each subject that has none of its own';
`,
}
