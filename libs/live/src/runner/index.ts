/** Runs live modules, each in a process of its own, with limits on time, memory and output. Used by agents and by the centre. */
export { residentBytes } from './memory.ts'
export * from './check.ts'
export type { Answer } from './child.ts'
export { endsWithUs } from './ends-with-us.ts'
export { runnerLimits } from './limits.ts'
export * from './runners.ts'
export * from './shell.ts'
