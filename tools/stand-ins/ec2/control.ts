import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Faults } from '../shared/faults.ts'
import type { Asked, Reply } from '../shared/serve.ts'
import type { Ec2State } from './state.ts'

export const controlPath = '/_control'

const Mishap = Type.Union([
  Type.Enum(['drop-before', 'drop-after', 'hang']),
  Type.Object({ answer: Type.String() }),
  Type.Object({ lateApplyMs: Type.Integer({ minimum: 0 }) }),
])
const ms = Type.Optional(Type.Integer({ minimum: 0 }))
/** What another process may switch: all fields are added to what is there, `clear` first. */
const Order = Type.Object(
  {
    clear: Type.Optional(Type.Boolean()),
    faults: Type.Optional(
      Type.Array(
        Type.Object({
          action: Type.String(),
          nth: Type.Union([Type.Integer({ minimum: 1 }), Type.Literal('all')]),
          does: Mishap,
        }),
      ),
    ),
    capacity: Type.Optional(Type.Record(Type.String(), Type.Integer({ minimum: 0 }))),
    buckets: Type.Optional(
      Type.Record(Type.String(), Type.Object({ perSecond: Type.Number(), burst: Type.Number({ minimum: 1 }) })),
    ),
    lagMs: ms,
    bootMs: ms,
    stopMs: ms,
    terminateMs: ms,
  },
  { additionalProperties: false },
)
type Order = Static<typeof Order>
const order = Compile(Order)

type Controlled = {
  readonly state: Ec2State
  readonly faults: Faults<string>
  readonly counts: ReadonlyMap<string, number>
}

const obey = ({ state, faults }: Controlled, asked: Order): void => {
  const { setup } = state
  if (asked.clear === true) {
    faults.clear()
    setup.capacity.clear()
    setup.buckets.clear()
  }
  faults.add(...(asked.faults ?? []))
  for (const [key, left] of Object.entries(asked.capacity ?? {})) setup.capacity.set(key, left)
  for (const [key, bucket] of Object.entries(asked.buckets ?? {})) setup.buckets.set(key, bucket)
  const { lagMs, bootMs, stopMs, terminateMs } = { ...setup.delays, ...asked }
  setup.delays = { ...setup.delays, lagMs, bootMs, stopMs, terminateMs }
}

const reply = (status: number, value: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** GET tells what there is and what was asked for; POST switches faults, capacity, buckets and how long things take. */
export const control = (controlled: Controlled, { method, body }: Asked): Reply => {
  if (method === 'POST') {
    const asked: unknown = JSON.parse(body.toString() || '{}')
    if (!order.Check(asked)) return reply(400, { detail: `allowed: ${Object.keys(Order.properties).join(', ')}` })
    obey(controlled, asked)
  }
  const { state, counts } = controlled
  const machines = [...state.machines.values()].map(({ id, state: power, size, zone, token }) => ({
    id,
    state: power,
    size,
    zone,
    token,
    tags: Object.fromEntries(state.tags.get(id) ?? []),
  }))
  return reply(200, { machines, disks: [...state.disks.keys()], counts: Object.fromEntries(counts) })
}
