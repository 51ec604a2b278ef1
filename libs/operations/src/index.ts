/**
 * The catalogue of operations, one file per family. Pure: nothing here spawns, reads or connects. A transport asks
 * `planShell` what to run, runs it, and gives what came back to `parseShell`; native forms are in `@re-ops/operations/native`.
 * Tables for people come from `operation.display`: `rows` splits a value into lines, `columns` gives the cells of one.
 */
export * from './catalogue.ts'
export * from './cron/cron.ts'
export { disk } from './disk.ts'
export * from './disk/index.ts'
export { facts } from './facts.ts'
export * from './file/index.ts'
export * from './git/git.ts'
export { load } from './load.ts'
export { memory } from './memory.ts'
export * from './package/index.ts'
export { ping } from './ping.ts'
export * from './plan.ts'
export { processList, type Process } from './process.ts'
export * from './process/index.ts'
export { wrapScript } from './script.ts'
export * from './service/index.ts'
export { shell, type ShellInput } from './shell.ts'
export * from './show.ts'
export * from './system/index.ts'
export { uptime } from './uptime.ts'
export * from './user/index.ts'
