import { ConfigError, runService } from '@re-ops/service'
import { readConfig } from './config.ts'
import { powerOffLocal } from './powerOff.ts'
import { start } from './start.ts'

const args = process.argv.slice(2)
if (args.length === 1 && args[0] === '--power-off-local') await powerOffLocal(process.env)
else
  await runService({
    name: 're-core',
    start: async context => {
      if (args.length > 0)
        throw new ConfigError([`argument ${JSON.stringify(args[0])} is not known; allowed: --power-off-local`])
      return start(await readConfig(process.env), process.env, context)
    },
  })
