import { startFakeDigitalOcean } from './fake.ts'
import { startGate } from './gate.ts'

const usage = `npm run fake-do [-- --gate]        DigitalOcean's API in memory, on a free port of loopback; Ctrl-C ends it and all machines in it
  --gate    behind prism: requests and answers that the official description does not allow are refused
  its token is fake-token; a create takes a second
`
const delays = { createMs: 1_000, actMs: 500, tagMs: 200, listMs: 200 }

const main = async (args: readonly string[]): Promise<number> => {
  const [wish, ...more] = args
  if ((wish !== undefined && wish !== '--gate') || more.length > 0) {
    process.stderr.write(usage)
    return wish === '--help' ? 0 : 2
  }
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve())
  const gate = wish === '--gate' ? await startGate() : null
  const fake = await startFakeDigitalOcean({ delays, ...(gate === null ? {} : { gate }) })
  process.stdout.write(`fake-do ready ${fake.url}\n`)
  await stopped.promise
  await fake.stop()
  await gate?.stop()
  return 0
}

process.exitCode = await main(process.argv.slice(2))
