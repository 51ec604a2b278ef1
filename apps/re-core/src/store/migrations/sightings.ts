export const sightings = {
  name: '0036-sightings',
  sql: `
alter table core.sighting add column destroyed_at timestamptz;
comment on column core.sighting.destroyed_at is 'it was asked to be destroyed while it was too new to be seen for sure';
`,
} as const
