/** Thousands of agents for benches, chaos tests and people: real ones in all but their processes, with faults. */
export { startBareFleet, type BareFleet } from './bare.ts'
export { faultNames, type FaultName, type Shares } from './faults.ts'
export { startFleet, type AgentFiles, type Fleet, type FleetOptions } from './fleet.ts'
export type { Blow, SimulatedOperation, Stats, Which } from './orders.ts'
