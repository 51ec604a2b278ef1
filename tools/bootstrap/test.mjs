import { runOwnNode } from './exec.mjs'

await runOwnNode('tools/test/main.ts', process.argv.slice(2))
