import { operation, Type } from '@re-ops/pipelines'

export const ping = operation({
  name: 'ping',
  doc: 'Whether the host answers; the cheapest operation there is.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    pong: Type.Literal(true),
    at: Type.Optional(Type.String({ format: 'date-time', description: "the host's clock; only the agent tells it" })),
  }),
  reads: true,
  native: true,
  shell: { command: () => ['true'], parse: () => ({ pong: true as const }) },
  varies: ['at'],
  display: { columns: [{ title: 'PONG', get: () => 'yes' }] },
})
