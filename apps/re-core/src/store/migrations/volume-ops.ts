/** Attaching and detaching a volume: one-shot verbs of the system whose machine it is. */
export const volumeOps = {
  name: '0038-volume-ops',
  sql: `
alter table core.op add column volume text;
comment on column core.op.volume is 'which volume is attached or detached, by its name in the place of its system';
`,
} as const
