import { runService } from '@re-ops/service'
import { readConfig } from './config.ts'
import { start } from './start.ts'

await runService({ name: 're-mote', start: async context => start(context, readConfig(process.env), process.env) })
