/** A real agent against a small real broker that does as it is told. For tests and the proof kit. */
export * from './broker.ts'
export * from './cluster.ts'
export type { AgentProcess } from './process.ts'
