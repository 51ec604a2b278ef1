import { runOwnNode } from './exec.mjs'

await runOwnNode('tools/supervisor/main.ts', process.argv.slice(2), { needsParent: true, level: 'product' })
