const args = process.argv.slice(2)
if (args.length === 1 && args[0] === '--power-off-local') {
  const { powerOffLocal } = await import('./powerOff.ts')
  await powerOffLocal(process.env)
} else {
  const { ConfigError, runService } = await import('@re-ops/service')
  const { readConfig } = await import('./config.ts')
  const { start } = await import('./start.ts')
  await runService({
    name: 're-core',
    start: async context => {
      if (args.length > 0)
        throw new ConfigError([`argument ${JSON.stringify(args[0])} is not known; allowed: --power-off-local`])
      return start(await readConfig(process.env), process.env, context)
    },
  })
}
