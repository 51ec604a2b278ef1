import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Fault } from './fault.ts'

export type Cluster = {
  readonly coreUrl: string | undefined
  readonly moteUrl: string | undefined
  readonly token: string
  /** Where the token came from, for people. */
  readonly tokenFrom: string
  /** The state folder, when the cluster was found by it. */
  readonly state: string | undefined
}

type Described = { coreUrl?: unknown; moteUrl?: unknown; tokenFile?: unknown }

const readOrNull = (file: string): string | null => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new Fault(3, `cannot read ${file}: ${code ?? String(error)}`)
  }
}

/** `.reops/cluster.json` here or in a folder above, as the supervisor writes it. */
const described = (folder: string): { state: string; content: Described } | null => {
  const file = join(folder, '.reops', 'cluster.json')
  const text = readOrNull(file)
  if (text === null) return dirname(folder) === folder ? null : described(dirname(folder))
  try {
    return { state: dirname(file), content: JSON.parse(text) as Described }
  } catch {
    throw new Fault(3, `${file} is not JSON; stop and start the cluster to have it written again`)
  }
}

const url = (name: string, value: unknown): string | undefined => {
  if (typeof value !== 'string' || value === '') return undefined
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol) || value.includes('@'))
    throw new Fault(
      2,
      `${name}: \`${value.replace(/[^/\s]*@/g, '***@')}\` is not an address; allowed is http://host:port or https://host:port`,
    )
  return value
}

/** The cluster to talk to: the environment's word before the file's. */
export const findCluster = (environment: NodeJS.ProcessEnv, folder: string): Cluster => {
  const found = described(resolve(folder))
  const coreUrl = url('REOPS_CORE_URL', environment.REOPS_CORE_URL) ?? url('coreUrl', found?.content.coreUrl)
  const moteUrl = url('REOPS_MOTE_URL', environment.REOPS_MOTE_URL) ?? url('moteUrl', found?.content.moteUrl)
  if (coreUrl === undefined && moteUrl === undefined)
    throw new Fault(
      3,
      'no cluster found: no .reops/cluster.json in this folder or one above; run `npm start`, or set REOPS_MOTE_URL, REOPS_CORE_URL and REOPS_TOKEN',
    )
  const file = found && resolve(found.state, tokenFile(found.content))
  const fromFile = environment.REOPS_TOKEN || file === null ? null : readOrNull(file)
  return {
    coreUrl,
    moteUrl,
    token: (environment.REOPS_TOKEN ?? fromFile ?? '').trim(),
    tokenFrom: environment.REOPS_TOKEN ? 'REOPS_TOKEN' : (file ?? 'nowhere'),
    state: found?.state,
  }
}
const tokenFile = ({ tokenFile }: Described) => (typeof tokenFile === 'string' ? tokenFile : 'token')
