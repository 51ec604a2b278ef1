import { controlPath } from './control.ts'
import { startFakeEc2 } from './fake.ts'

const usage = `npm run fake-ec2        EC2's API in memory, on a free port of loopback; Ctrl-C ends it and all machines in it
  GET  <address>${controlPath}   machines, disks, how often each action was asked for
  POST <address>${controlPath}   {"clear":true, "faults":[{"action":"RunInstances","nth":1,"does":"drop-after"}], "capacity":{"t3.small|*|*":0}, "buckets":{"*":{"perSecond":5,"burst":10}}, "lagMs":2000, "bootMs":50, "stopMs":50, "terminateMs":50}
`
const settleMs = 100

const main = async (args: readonly string[]): Promise<number> => {
  if (args.length > 0) {
    process.stderr.write(usage)
    return args[0] === '--help' ? 0 : 2
  }
  const stopped = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopped.resolve())
  const fake = await startFakeEc2()
  // States change when somebody looks; here also while nobody does.
  const settling = setInterval(() => fake.clock.settle(), settleMs)
  process.stdout.write(`fake-ec2 ready ${fake.url}\n`)
  await stopped.promise
  clearInterval(settling)
  await fake.stop()
  return 0
}

process.exitCode = await main(process.argv.slice(2))
