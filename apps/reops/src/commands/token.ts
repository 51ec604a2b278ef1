import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { durationMs } from '../arguments/duration.ts'
import { printJson, type Context } from '../context.ts'
import { Fault, usage } from '../fault.ts'
import { ago, duration } from '../render/units.ts'

type Claims = { sub?: string; scopes?: readonly string[]; exp?: number; iat?: number; jti?: string }

/** What a token says of itself. Its signature is for the services to check. */
export const claimsOf = (token: string): Claims => {
  const [, payload = ''] = token.split('.')
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims
  } catch {
    throw new Fault(3, 'the token is not an API token of re-ops (three parts with dots between)')
  }
}

/** What the token in use may do; the token itself only with `--value`. */
export const showToken = (context: Context, options: { json?: boolean; value?: boolean }): Promise<number> => {
  const { token, tokenFrom } = context.cluster()
  const { terminal } = context
  if (token === '') throw new Fault(3, `no API token: ${tokenFrom} has none; set REOPS_TOKEN`)
  if (options.value === true) {
    terminal.out(`${token}\n`)
    return Promise.resolve(0)
  }
  const { sub = '-', scopes = [], exp } = claimsOf(token)
  const expiresAt = exp === undefined ? null : new Date(exp * 1000).toISOString()
  if (options.json === true) printJson(terminal, { subject: sub, scopes, expiresAt, from: tokenFrom })
  else {
    const leftMs = exp === undefined ? 0 : exp * 1000 - context.now()
    const until =
      expiresAt === null
        ? 'never'
        : `${expiresAt} (${leftMs > 0 ? `in ${duration(leftMs)}` : ago(expiresAt, context.now())})`
    terminal.out(`subject   ${sub}\nscopes    ${scopes.join(', ')}\nexpires   ${until}\nfrom      ${tokenFrom}\n`)
  }
  return Promise.resolve(0)
}

type CreateOptions = {
  readonly json?: boolean
  readonly subject: string
  readonly scope: readonly string[]
  readonly ttl: string
}

/** Signs a token with the installation's key, which only the owner of the state folder can read. */
export const createToken = async (
  context: Context,
  options: CreateOptions,
  environment: NodeJS.ProcessEnv,
): Promise<number> => {
  const { terminal } = context
  const ttlMs = durationMs(options.ttl, '--ttl', { min: 1000 })
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/.test(options.subject))
    throw usage(`--subject: \`${options.subject}\` is not a name; letters, digits and . _ @ - are allowed`)
  const { scopes: known } = await import('@re-ops/protocols')
  const asked = [...new Set(options.scope.flatMap(text => text.split(',')))]
  const scopes = known.filter(scope => asked.includes(scope))
  const wrong = asked.filter(scope => !(known as readonly string[]).includes(scope))
  if (wrong.length > 0 || scopes.length === 0)
    throw usage(
      `--scope: ${wrong.map(one => `\`${one}\` is not a scope`).join(', ') || 'none given'}; allowed are ${known.join(', ')}`,
    )
  const { state } = context.cluster()
  const reference = environment.REOPS_TOKEN_KEY
  if (reference === undefined && (state === undefined || !existsSync(join(state, 'token.key'))))
    throw new Fault(
      3,
      'the key that signs tokens is not here; run this where the services keep their state folder, or set REOPS_TOKEN_KEY',
    )
  const service = await import('@re-ops/service')
  const keys = await service.ensureTokenKey(state ?? '', { reference, environment })
  const { token, expiresAt } = await service.makeTokenSigner(keys).sign({ subject: options.subject, scopes, ttlMs })
  if (options.json === true) printJson(terminal, { token, subject: options.subject, scopes, expiresAt })
  else {
    terminal.out(`${token}\n`)
    terminal.error(`for ${options.subject}: ${scopes.join(', ')}; until ${expiresAt}; shown this once`)
  }
  return 0
}
