import {
  isReference,
  makePool,
  migrate,
  openDatabase,
  resolveReference,
  type Environment,
  type Log,
  type Pool,
  type ServiceContext,
} from '@re-ops/service'
import type { Config } from '../config.ts'
import { migrations } from '../store/migrations.ts'

const name = 're-mote'

/**
 * Batches and new runs find few rows by key among many. A plan made while the tables were small would read them whole for ever after, and
 * one made anew for each batch (whose size Postgres sees) costs more than the batch.
 */
const byIndex = (databaseUrl: string, more: readonly string[] = []): string => {
  const url = new URL(databaseUrl)
  const settings = [
    'enable_hashjoin=off',
    'enable_mergejoin=off',
    'enable_seqscan=off',
    'jit=off',
    'plan_cache_mode=force_generic_plan',
  ]
  url.searchParams.set('options', [...settings, ...more].map(setting => `-c ${setting}`).join(' '))
  return url.href
}

export type Pools = {
  readonly url: string
  readonly pool: Pool
  /** For what is stored in the way of a call. */
  readonly writer: Pool
  /** Its commits are seen before the disk has them. */
  readonly lax: Pool
}
/** The database of the configuration, or an embedded one, migrated. Stops with the service. */
export const openPools = async (
  context: ServiceContext,
  config: Pick<Config, 'databaseUrl'>,
  { environment, state, log }: { readonly environment: Environment; readonly state: string; readonly log: Log },
): Promise<Pools> => {
  const databaseUrl = isReference(config.databaseUrl)
    ? (await resolveReference(config.databaseUrl, { environment })).trim()
    : config.databaseUrl
  const { url, stop } = await openDatabase({ databaseUrl, stateFolder: state, log })
  context.onStop('postgres', stop)
  const pool = makePool({ url, log, max: 10, applicationName: name })
  context.onStop('pool', () => pool.end())
  const writer = makePool({ url: byIndex(url), log, max: 6, applicationName: `${name} writer` })
  context.onStop('writer pool', () => writer.end())
  const lax = makePool({
    url: byIndex(url, ['synchronous_commit=off']),
    log,
    max: 1,
    applicationName: `${name} results`,
  })
  context.onStop('results pool', () => lax.end())
  await migrate({ pool, schema: 'mote', migrations, log })
  return { url, pool, writer, lax }
}
