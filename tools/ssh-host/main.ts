import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { startSshd, whyNoSshd } from '@re-ops/re-mote/testing'

const usage = `npm run -s ssh-host

Starts a real sshd on loopback for the user who runs it, with a host key and a login key of its own, until Ctrl-C.
Its address is in .reops/ssh-host/target, the private key in .reops/ssh-host/id (REOPS_STATE names another folder than .reops).
`
const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** A host over SSH for whoever has none: what the README does with it. */
const main = async (args: readonly string[]): Promise<number> => {
  if (args.length > 0) {
    process.stderr.write(`${args.includes('--help') ? '' : `${args.join(' ')} is not known\n`}${usage}`)
    return args.includes('--help') ? 0 : 2
  }
  const missing = whyNoSshd()
  if (missing !== null) {
    process.stderr.write(`${missing}\n`)
    return 1
  }
  const folder = join(process.env['REOPS_STATE'] || '.reops', 'ssh-host')
  const stop = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.resolve())
  const sshd = await startSshd()
  try {
    const target = `${sshd.user}@127.0.0.1:${sshd.port}`
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    copyFileSync(join(sshd.folder, 'id'), join(folder, 'id'))
    writeFileSync(join(folder, 'target'), `${target}\n`)
    say(`  sshd   ${target}, until Ctrl-C`)
    say(`  try:   npx reops hosts add box --ssh ${target} --key-file ${relative('.', join(folder, 'id'))} --accept-new`)
    await stop.promise
  } finally {
    await sshd.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return 0
}

process.exitCode = await main(process.argv.slice(2))
