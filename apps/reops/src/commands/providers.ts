import type { Catalog, ProviderKind } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { table } from '../render/table.ts'

export type WhereOptions = {
  readonly json?: boolean
  readonly provider?: string
  readonly account?: string
  readonly region?: string
}

export const listProviders = async (context: Context, options: { readonly json?: boolean }): Promise<number> => {
  const { terminal } = context
  const providers = await (await context.client()).core.providers()
  if (options.json === true) {
    printJson(terminal, providers)
    return 0
  }
  terminal.out(
    table(
      ['PROVIDER', 'ACCOUNTS', 'SIZE', 'IMAGE'],
      providers.map(one => [
        one.provider,
        one.accounts.join(' ') || (one.needsAccount ? 'none yet' : 'needs none'),
        one.size,
        one.image,
      ]),
      { paint: terminal.paint, width: terminal.columns },
    ),
  )
  return 0
}

/** Of the account that is named, else of the provider, else of the only account there is. */
const catalogOf = async (context: Context, options: WhereOptions): Promise<Catalog> => {
  const { core } = await context.client()
  const accounts = await core.accounts()
  const account =
    options.account === undefined && options.provider === undefined && accounts.length === 1
      ? accounts[0]
      : accounts.find(one => one.name === options.account)
  if (options.account !== undefined && account === undefined)
    throw usage(`no account ${options.account}; allowed: ${accounts.map(one => one.name).join(', ') || 'none yet'}`)
  const provider = (options.provider ?? account?.provider ?? 'local') as ProviderKind
  return core.catalog(provider, {
    ...(account === undefined ? {} : { account: account.name }),
    ...(options.region === undefined ? {} : { region: options.region }),
  })
}

/** What an hour costs, and of which day that is. */
const priceOf = ({ prices }: Catalog, size: string): string => {
  const price = prices.find(one => one.size === size)
  return price === undefined ? '' : `$${price.hourly} (${price.at})`
}

export const listSizes = async (context: Context, options: WhereOptions): Promise<number> => {
  const { terminal } = context
  const catalog = await catalogOf(context, options)
  if (options.json === true) printJson(terminal, catalog.sizes)
  else
    terminal.out(
      table(
        ['SIZE', 'CORES', 'MEMORY', 'DISK', 'ARCHITECTURE', 'AN HOUR'],
        catalog.sizes.map(one => [
          one.name,
          String(one.cores),
          `${Math.round(one.memoryMb / 102.4) / 10} GiB`,
          one.diskGb === null ? '' : `${one.diskGb} GB`,
          one.architecture,
          priceOf(catalog, one.name),
        ]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

export const listImages = async (context: Context, options: WhereOptions): Promise<number> => {
  const { terminal } = context
  const { images } = await catalogOf(context, options)
  if (options.json === true) printJson(terminal, images)
  else
    terminal.out(
      table(
        ['IMAGE', 'TITLE', 'ARCHITECTURE', 'ORIGIN'],
        images.map(one => [one.name, one.title, one.architecture, one.origin]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}
