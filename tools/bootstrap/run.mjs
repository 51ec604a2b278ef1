import { runOwnNode } from './exec.mjs'

const [script, ...args] = process.argv.slice(2)
if (script === undefined) {
  process.stderr.write(
    'usage: node tools/bootstrap/run.mjs SCRIPT [ARGUMENT ...]; SCRIPT is a path from the root folder\n',
  )
  process.exitCode = 2
} else await runOwnNode(script, args)
