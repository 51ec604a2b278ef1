import { newId, type AddHost, type ChangeHost, type SshSettings } from '@re-ops/protocols'
import { entriesFor, judgeHostKey, keyTypeOf, knownHostName, resolveSsh } from '@re-ops/protocols/ssh'
import { canonicalJson, HttpProblem, type Pool } from '@re-ops/service'
import type { Ssh } from '../ssh/start.ts'
import { insertSshHost, setSsh } from '../store/ssh-hosts.ts'

export type SshHostDeps = { readonly pool: Pool; readonly ssh: Pick<Ssh, 'folder' | 'directory'> }

const bad = (path: string, message: string, status = 400) =>
  new HttpProblem(status, 'bad-ssh-settings', 'Bad SSH settings', `${path}: ${message}`, {
    errors: [{ path, message }],
  })

const checkJump = async ({ ssh }: SshHostDeps, name: string | null, { jump }: SshSettings): Promise<void> => {
  if (jump === undefined) return
  if (jump === name) throw bad('/body/ssh/jump', 'a host cannot be its own jump host')
  if (!(await ssh.directory.findHost(jump)))
    throw bad('/body/ssh/jump', `there is no SSH host ${jump}; add it first`, 422)
}

const keysOf = (lines: readonly string[]): Buffer[] =>
  lines.map((line, n) => {
    const [type, text = ''] = line.split(' ')
    const key = Buffer.from(text, 'base64')
    if (keyTypeOf(key) === type) return key
    throw bad(`/body/hostKeys/${n}`, `is not a public key of type ${type}`)
  })

/** How known_hosts names the host, the service's SSH config considered. */
const knownAs = async ({ ssh }: Pick<SshHostDeps, 'ssh'>, settings: SshSettings): Promise<string> => {
  const file = resolveSsh(await ssh.folder.config(), settings.address)
  return file.hostKeyAlias ?? knownHostName(file.hostName, settings.port ?? file.port ?? 22)
}

/** Keys that are trusted for a host, as known_hosts has them behind its name. */
export const trustedKeys = async ({ ssh }: Pick<SshHostDeps, 'ssh'>, settings: SshSettings): Promise<string[]> => {
  const entries = entriesFor(await ssh.folder.knownHosts(), await knownAs({ ssh }, settings))
  return entries.flatMap(({ marker, type, key }) => (marker === 'none' ? [`${type} ${key}`] : []))
}

/** Adding never replaces a key that is trusted; changing does, since who changes knows. */
const trustNew = async (deps: SshHostDeps, settings: SshSettings, keys: readonly Buffer[]): Promise<void> => {
  const name = await knownAs(deps, settings)
  const known = await deps.ssh.folder.knownHosts()
  const sameType = (key: Buffer) => entriesFor(known, name).filter(entry => entry.type === keyTypeOf(key))
  for (const key of keys) {
    const verdict = judgeHostKey(sameType(key), name, key)
    if (verdict.kind !== 'changed' && verdict.kind !== 'revoked') continue
    const why = verdict.kind === 'revoked' ? 'is revoked' : `is not the one that is known (${verdict.fingerprint})`
    throw new HttpProblem(
      409,
      'host-key-conflict',
      'Host key conflict',
      `the ${keyTypeOf(key)} key of ${name} ${why}; PATCH replaces it`,
    )
  }
  for (const key of keys) await deps.ssh.folder.addKnownHost(name, key)
}

/** The same name with the same settings is the same host; with others it is refused. */
export const addSshHost = async (deps: SshHostDeps, body: AddHost): Promise<{ id: string; isNew: boolean }> => {
  const { name, labels = {}, ssh, hostKeys = [] } = body
  await checkJump(deps, name, ssh)
  const keys = keysOf(hostKeys)
  const found = await insertSshHost(deps.pool, { id: newId(), name, labels, ssh })
  const conflict = (why: string) => new HttpProblem(409, 'host-exists', 'Host exists', `host ${name} ${why}`)
  if (found.transport !== 'ssh') throw conflict(`has an agent; PATCH /v1/hosts/${found.id} gives it SSH settings`)
  if (!found.isNew && canonicalJson([found.labels, found.ssh]) !== canonicalJson([labels, ssh]))
    throw conflict(`is there with other settings or labels; PATCH /v1/hosts/${found.id} changes them`)
  if (keys.length > 0) await trustNew(deps, ssh, keys)
  deps.ssh.directory.changed()
  return found
}

type Existing = { readonly id: string; readonly name: string; readonly transport: string; readonly ssh?: SshSettings }
/** Answers which of the two changed; nothing asked is nothing done. */
export const changeSshHost = async (
  deps: SshHostDeps,
  host: Existing,
  { ssh, hostKeys = [] }: { readonly ssh?: ChangeHost['ssh'] | undefined; readonly hostKeys?: string[] | undefined },
): Promise<string[]> => {
  if (ssh === null && host.transport === 'ssh')
    throw bad('/body/ssh', 'must not be null: the host has no agent; DELETE removes the host')
  if (ssh) await checkJump(deps, host.name, ssh)
  const keys = keysOf(hostKeys)
  const settings = ssh ?? host.ssh
  if (keys.length > 0 && !settings) throw bad('/body/hostKeys', `host ${host.name} has no SSH settings`)
  if (ssh !== undefined) await setSsh(deps.pool, host.id, ssh)
  if (keys.length > 0 && settings) await deps.ssh.folder.replaceKnownHosts(await knownAs(deps, settings), keys)
  if (ssh !== undefined) deps.ssh.directory.changed()
  return [...(ssh === undefined ? [] : ['ssh']), ...(keys.length > 0 ? ['hostKeys'] : [])]
}
