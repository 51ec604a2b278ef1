/** Makes live modules from files and functions. For the command line, the prompt and programs; esbuild comes with it, so no service and no agent imports it. */
export { capturedBy } from './captured.ts'
export * from './file.ts'
export * from './function.ts'
export { ModuleError, type Made } from './module.ts'
