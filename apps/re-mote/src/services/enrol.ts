import { EnrolRequest, newId, secretHash, unseal, type EnrolAnswer, type Keyset, type Labels } from '@re-ops/protocols'
import { HttpProblem, transaction, type Pool, type Tx } from '@re-ops/service'
import { Compile } from 'typebox/compile'
import type { AuditEntry } from '../store/audit.ts'
import { adoptHost, findUse, insertHost, lockEnrolment, type EnrolmentRow } from '../store/enrolments.ts'
import { mayComeFrom } from './enrolments.ts'

export type EnrolDeps = {
  readonly pool: Pool
  readonly sealPrivateKey: string
  keyset(): Keyset
  audit(entry: AuditEntry): void
  onEnrolled(host: string): void
}

const check = Compile(EnrolRequest)
const refused = (status: number, kind: string, detail: string) =>
  new HttpProblem(status, kind, 'Enrolment refused', detail)

/**
 * Exchanges a token for an identity. The same token with the same keys gives the same answer again, so a lost answer costs nothing; other
 * keys are refused and audited, because then two hold one token. What was wrong with a token is said in the audit only.
 */
export const enrol = async (deps: EnrolDeps, sealed: string, address: string): Promise<EnrolAnswer> => {
  const request = await read(deps, sealed)
  const outcome = await transaction(deps.pool, tx => exchange(tx, request, address))
  if (!outcome.ok) {
    deps.audit({
      action: 'enrol.refused',
      subject: address,
      host: null,
      detail: { why: outcome.why, enrolment: outcome.enrolment, curveKey: request.curveKey },
    })
    throw outcome.problem
  }
  if (outcome.isNew) {
    deps.audit({
      action: 'host.enrolled',
      subject: address,
      host: outcome.host,
      detail: { name: outcome.name, enrolment: outcome.enrolment },
    })
    deps.onEnrolled(outcome.host)
  }
  return { host: outcome.host, name: outcome.name, keyset: deps.keyset() }
}

const read = async ({ sealPrivateKey }: EnrolDeps, sealed: string): Promise<EnrolRequest> => {
  const text = await unseal(sealPrivateKey, sealed)
  const bad = (why: string) => refused(400, 'bad-enrol', `/body/sealed: ${why}`)
  if (text === null) throw bad('was not sealed for this installation, or is damaged; fetch /v1/keyset and seal again')
  let request: unknown
  try {
    request = JSON.parse(text)
  } catch {
    throw bad('does not hold JSON')
  }
  if (!check.Check(request)) {
    const [first] = check.Errors(request)
    throw bad(`${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`)
  }
  if (Object.values(request.labels).some(value => value.includes('\u0000'))) throw bad('/labels must not hold NUL')
  return request
}

type Exchanged =
  | { ok: true; isNew: boolean; host: string; name: string; enrolment: string }
  | { ok: false; why: string; enrolment: string | null; problem: HttpProblem }

const exchange = async (tx: Tx, request: EnrolRequest, address: string): Promise<Exchanged> => {
  const row = await lockEnrolment(tx, secretHash(request.secret))
  const no = (problem: HttpProblem, why: string): Exchanged => ({ ok: false, why, enrolment: row?.id ?? null, problem })
  const denied = (why: string) =>
    no(refused(403, 'token-refused', 'the token is unknown, expired, used up, or not for this address'), why)
  if (!row) return denied('unknown token')
  if (!mayComeFrom(address, row.sources)) return denied('address outside the source ranges')
  const held = await findUse(tx, row.id, request)
  if (held) {
    if (held.state === 'revoked') return denied('the identity was revoked')
    return { ok: true, isNew: false, host: held.host, name: held.name, enrolment: row.id }
  }
  if (row.revoked_at !== null) return denied('revoked')
  if (row.uses_left <= 0 && row.uses === 1)
    return no(refused(409, 'token-taken', 'the token was used with other keys'), 'used with other keys')
  if (row.uses_left <= 0) return denied('used up')
  if (row.expired) return denied('expired')
  if (row.host !== null) {
    const { curveKey, signKey, instance, version } = request
    const id = row.host
    const name = await adoptHost(tx, { id, curveKey, signKey, instance, version, enrolment: row })
    if (name === null)
      return no(
        refused(409, 'host-not-waiting', 'the host of this token has an agent, is gone, or had these keys before'),
        'host not waiting',
      )
    return { ok: true, isNew: true, host: id, name, enrolment: row.id }
  }
  const host = newHost(request, row)
  if (!(await insertHost(tx, host)))
    return no(refused(409, 'keys-taken', 'these keys belong to another host'), 'keys of another host')
  return { ok: true, isNew: true, host: host.id, name: host.name, enrolment: row.id }
}

/** The token's words win over the agent's own: who hands out tokens decides what selectors will pick. */
const newHost = (request: EnrolRequest, enrolment: EnrolmentRow) => {
  const labels: Labels = {
    ...request.labels,
    ...enrolment.labels,
    ...(enrolment.system === null ? {} : { system: enrolment.system }),
  }
  const { curveKey, signKey, instance, version } = request
  return {
    id: newId(),
    name: enrolment.name ?? request.name,
    labels,
    curveKey,
    signKey,
    instance,
    version,
    enrolment,
  }
}
