import { bits, wordOf, type Flags } from './flags.ts'
import type { Call, CallOptions } from './link.ts'
import { procedures } from './procedures.ts'
import type { Pool, Volume } from './types.ts'

const listFlags = { inactive: 1, active: 2, persistent: 4, transient: 8, autostart: 16, noAutostart: 32 } as const
const createFlags = { build: 1, buildOverwrite: 2, buildNoOverwrite: 4 } as const
const buildFlags = { repair: 1, resize: 2, noOverwrite: 4, overwrite: 8 } as const
const defineFlags = { validate: 1 } as const
const deleteFlags = { zeroed: 1 } as const
const stateWords = ['inactive', 'building', 'running', 'degraded', 'inaccessible'] as const

type With<F extends Readonly<Record<string, number>>> = Flags<F> & CallOptions

/** Places for volumes. */
export const makePools = (call: Call) => ({
  list: async (o: With<typeof listFlags> = {}) =>
    (await call(procedures.pools, { needResults: 1, flags: bits(listFlags, o) }, o)).found,
  /** Fails with `no-pool` when there is none. */
  byName: async (name: string, o?: CallOptions) => (await call(procedures.poolByName, { name }, o)).pool,
  /** Fails with `no-pool` when there is none. */
  byUuid: async (uuid: string, o?: CallOptions) => (await call(procedures.poolByUuid, { uuid }, o)).pool,
  byVolume: async (vol: Volume, o?: CallOptions) => (await call(procedures.poolByVolume, { vol }, o)).pool,
  define: async (xml: string, o: With<typeof defineFlags> = {}) =>
    (await call(procedures.poolDefine, { xml, flags: bits(defineFlags, o) }, o)).pool,
  /** Starts one that is gone once it stops. */
  createXml: async (xml: string, o: With<typeof createFlags> = {}) =>
    (await call(procedures.poolCreateXml, { xml, flags: bits(createFlags, o) }, o)).pool,
  /** Starts a defined one. */
  create: (pool: Pool, o: With<typeof createFlags> = {}) =>
    call(procedures.poolCreate, { pool, flags: bits(createFlags, o) }, o),
  /** Makes what it lies on, for example its folder. */
  build: (pool: Pool, o: With<typeof buildFlags> = {}) =>
    call(procedures.poolBuild, { pool, flags: bits(buildFlags, o) }, o),
  /** Stops it; what it holds stays. */
  destroy: (pool: Pool, o?: CallOptions) => call(procedures.poolDestroy, { pool }, o),
  /** Takes away what it lies on. */
  delete: (pool: Pool, o: With<typeof deleteFlags> = {}) =>
    call(procedures.poolDelete, { pool, flags: bits(deleteFlags, o) }, o),
  undefine: (pool: Pool, o?: CallOptions) => call(procedures.poolUndefine, { pool }, o),
  /** Looks again which volumes there are. */
  refresh: (pool: Pool, o?: CallOptions) => call(procedures.poolRefresh, { pool, flags: 0 }, o),
  /** Bytes. */
  info: async (pool: Pool, o?: CallOptions) => {
    const { state, capacity, allocation, available } = await call(procedures.poolInfo, { pool }, o)
    const word = wordOf(stateWords, state)
    return { state: word, capacityBytes: capacity, allocationBytes: allocation, availableBytes: available }
  },
  xml: async (pool: Pool, o?: CallOptions) => (await call(procedures.poolXml, { pool, flags: 0 }, o)).text,
  autostart: async (pool: Pool, o?: CallOptions) => (await call(procedures.poolAutostart, { pool }, o)).value,
  setAutostart: (pool: Pool, isOn: boolean, o?: CallOptions) =>
    call(procedures.poolSetAutostart, { pool, value: isOn ? 1 : 0 }, o),
  isActive: async (pool: Pool, o?: CallOptions) => (await call(procedures.poolIsActive, { pool }, o)).value,
})
export type Pools = ReturnType<typeof makePools>
