import { createHmac } from 'node:crypto'
import { enrolmentToken, newId, newSecret, secretHash, type CreateEnrolment, type Enrolment } from '@re-ops/protocols'
import { HttpProblem, once, transaction, type Pool } from '@re-ops/service'
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { enrolmentOf, findSystemEnrolment, insertEnrolment, isSystemRevoked } from '../store/enrolments.ts'

export type EnrolmentDeps = {
  readonly pool: Pool
  readonly rootKey: string
  /** Tokens of repeated requests are derived with it, so that no token has to be stored. */
  readonly derivationKey: string
}
type Asked = {
  readonly subject: string
  readonly key: string | undefined
  readonly body: CreateEnrolment
  /** The SSH host that gets its agent by it. */
  readonly host?: string
}

/** Registers a token's hash, or makes a token and answers it. Asking again with the same key, or for the same system, is the same enrolment. */
export const createEnrolment = async (deps: EnrolmentDeps, asked: Asked): Promise<Enrolment> => {
  const { body } = asked
  for (const source of body.sources ?? []) rangeOf(source)
  const secret = body.tokenHash === undefined ? secretFor(deps, asked) : null
  const tokenHash = body.tokenHash ?? secretHash(secret ?? '')
  const request = { schema: 'mote', key: asked.key, subject: asked.subject, route: 'POST /v1/enrolments', body }
  const made = await transaction(deps.pool, tx =>
    once(tx, request, async (): Promise<Enrolment & { isNew: boolean }> => {
      if (body.system !== undefined && (await isSystemRevoked(tx, body.system, body.generation ?? 1)))
        throw new HttpProblem(
          409,
          'identity-revoked',
          'Identity revoked',
          `system ${body.system} generation ${body.generation ?? 1} was revoked and cannot enrol again; a higher generation is allowed`,
        )
      const row = await insertEnrolment(tx, {
        id: newId(),
        tokenHash,
        createdBy: asked.subject,
        body,
        host: asked.host ?? null,
      })
      if (row) return { ...enrolmentOf(row), isNew: true }
      const existing = body.system === undefined ? null : await findSystemEnrolment(tx, body)
      if (existing && (body.tokenHash === undefined || existing.token_hash === tokenHash))
        return { ...enrolmentOf(existing), isNew: false }
      throw new HttpProblem(
        409,
        'enrolment-exists',
        'Enrolment exists',
        body.system === undefined
          ? 'this token is registered already'
          : `system ${body.system} generation ${body.generation ?? 1} candidate ${body.candidate ?? 0} has an enrolment with another token`,
      )
    }),
  )
  const { isNew, ...enrolment } = made
  return secret !== null && isNew ? { ...enrolment, token: enrolmentToken(secret, deps.rootKey) } : enrolment
}

const secretFor = ({ derivationKey }: EnrolmentDeps, { subject, key }: Asked): string =>
  key === undefined
    ? newSecret()
    : createHmac('sha256', derivationKey)
        .update(JSON.stringify(['re-ops enrolment v1', subject, key]))
        .digest('base64url')

/** `10.0.0.0/8`, `::1` ... Throws HttpProblem naming what is no range. */
export const rangeOf = (source: string): BlockList => {
  const [address = '', bits] = source.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) ? 'ipv6' : null
  const most = family === 'ipv4' ? 32 : 128
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
  if (family === null || !(prefix <= most))
    throw new HttpProblem(
      400,
      'bad-source',
      'Bad source range',
      `/body/sources: ${JSON.stringify(source)} is no address range; allowed are forms like 10.0.0.0/8 and 2001:db8::/32`,
    )
  const list = new BlockList()
  list.addSubnet(address, prefix, family)
  return list
}

export const mayComeFrom = (address: string, sources: readonly string[]): boolean => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '')
  return sources.length === 0 || sources.some(source => rangeOf(source).check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4'))
}
