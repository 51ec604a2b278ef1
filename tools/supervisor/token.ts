import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureTokenKey, makeTokenSigner, makeTokenVerifier, type TokenKeys } from '@re-ops/service'

const dayMs = 86_400_000
const ttlMs = 90 * dayMs
/** One that ends sooner is replaced at the start. */
const renewBelowMs = 30 * dayMs

const fileOf = (state: string) => join(state, 'token')

/** When it ends, in ms; 0 for what is not a token. */
const expiryOf = (token: string): number => {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { exp?: unknown }
    return typeof claims.exp === 'number' ? claims.exp * 1000 : 0
  } catch {
    return 0
  }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return '' // the first start of this folder
  }
}

/** The administrator's API token in `<state>/token` (0600): kept while it is ours and good for a month. */
export const ensureAdminToken = async (
  state: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ token: string; file: string }> => {
  const keys = await ensureTokenKey(state, { reference: environment['REOPS_TOKEN_KEY'] || undefined, environment })
  const file = fileOf(state)
  const known = read(file)
  if (expiryOf(known) - Date.now() > renewBelowMs && (await isOurs(keys, known))) return { token: known, file }
  const { token } = await makeTokenSigner(keys).sign({ subject: 'admin', scopes: ['admin'], ttlMs })
  writeFileSync(`${file}.${process.pid}`, `${token}\n`, { mode: 0o600 })
  renameSync(`${file}.${process.pid}`, file)
  return { token, file }
}

const isOurs = (keys: TokenKeys, token: string): Promise<boolean> =>
  makeTokenVerifier(keys)
    .verify(token)
    .then(
      () => true,
      () => false, // signed by another key, or damaged: a new one is made
    )
