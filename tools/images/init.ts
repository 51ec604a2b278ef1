import { adminToken, writeKeys } from './init-keys.ts'
import { writeJoinTokens } from './init-join.ts'
import { provisionRoles } from './init-roles.ts'

/** The one-shot jobs of docker-compose.yml, on the folder `/keys` or the one that REOPS_KEYS names. */
const jobs: Readonly<Record<string, (folder: string, args: readonly string[]) => Promise<void>>> = {
  /** Keys and passwords of all, made once and kept. */
  keys: writeKeys,
  /** An admin token on standard output, for the person who started the cluster. */
  token: async folder => void process.stdout.write(`${await adminToken(folder)}\n`),
  /** A database role for each service. */
  roles: provisionRoles,
  /** `join HOST:key=value,...`: an enrolment token for each host. */
  join: (folder, hosts) => writeJoinTokens(folder, hosts, process.env['REOPS_MOTE_URL']),
}

const [name = '', ...args] = process.argv.slice(2)
const job = jobs[name]
if (job) {
  try {
    await job(process.env['REOPS_KEYS'] ?? '/keys', args)
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
} else {
  process.stderr.write(`no job ${JSON.stringify(name)}; allowed: ${Object.keys(jobs).join(', ')}\n`)
  process.exitCode = 2
}
