import { ProviderError, type AccountUsage, type Quota } from '@re-ops/protocols'
import { driverOf } from '../providers/opener.ts'
import { systemsByRegion } from '../store/accounts.ts'
import { listFreezes } from '../store/alarms.ts'
import { noticesOfAccount } from '../store/notices.ts'
import { getAccount } from './accounts.ts'
import type { ServiceDeps } from './deps.ts'

const quotaMs = 10_000
const noticesMax = 10

type Told = { readonly quotas: readonly Quota[]; readonly note: string | null }
/** The provider's own limits, or why they are not told; what else is known is answered all the same. */
const quotasOf = async (deps: ServiceDeps, { account }: Pick<AccountUsage, 'account'>): Promise<Told> => {
  const { noQuotas = null } = driverOf(deps.opener, account.provider)
  if (noQuotas !== null) return { quotas: [], note: noQuotas }
  const place = { provider: account.provider, account: account.name, region: account.regions[0] ?? '' }
  try {
    const provider = await deps.open(place)
    return { quotas: await provider.quota(AbortSignal.timeout(quotaMs)), note: null }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return { quotas: [], note: error.message }
  }
}

/** What an account has, may have, and what is wrong with it. Throws HttpProblem 404. */
export const getUsage = async (deps: ServiceDeps, name: string): Promise<AccountUsage> => {
  const account = await getAccount(deps, name)
  const byRegion = await systemsByRegion(deps.pool, name)
  const { quotas, note } = await quotasOf(deps, { account })
  const { limits } = driverOf(deps.opener, account.provider)
  return {
    account,
    systems: byRegion.reduce((sum, one) => sum + one.systems, 0),
    regions: account.regions.map(region => ({
      region,
      systems: byRegion.find(one => one.region === region)?.systems ?? 0,
    })),
    quotas: [...quotas],
    quotaNote: note,
    limits: limits.map(({ family, perSecond, burst }) => ({ family, perSecond, burst })),
    frozen: (await listFreezes(deps.pool)).find(one => one.account === name) ?? null,
    notices: await noticesOfAccount(deps.pool, name, noticesMax),
  }
}
