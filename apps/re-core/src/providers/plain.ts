import { types } from 'node:util'
import { ProviderError, type Limiter, type Provider } from '@re-ops/protocols'

const codeOf = (error: Error): string | undefined => (error as NodeJS.ErrnoException).code

/** What any failure of a call means when the provider has no words of its own for it. */
export const plainError = (error: unknown, mutates: boolean): ProviderError => {
  if (error instanceof ProviderError) return error
  const outcome = mutates ? 'unknown' : 'not-applied'
  if (!types.isNativeError(error)) return new ProviderError('bug', outcome, 'something that is no error was thrown')
  if (error.name === 'AbortError' || error.name === 'TimeoutError')
    return new ProviderError('transient', outcome, 'the call was given up at its deadline')
  const code = codeOf(error)
  return code === undefined
    ? new ProviderError('bug', outcome, error.message)
    : new ProviderError('transient', outcome, `${code}: the provider was not reached`, { code })
}

/** Of providers whose API has no limit and no errors of its own. */
export const plainLimits: Pick<Provider, 'classify' | 'limits'> = { classify: plainError, limits: () => [] }

/** Lets everything through. */
export const noLimiter: Limiter = { take: async () => {}, told: () => {} }
