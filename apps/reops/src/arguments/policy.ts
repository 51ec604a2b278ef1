import type { AskPolicy, Fix } from '@re-ops/protocols'
import { usage } from '../fault.ts'

// The words of @re-ops/protocols; a help text names them too.
const known: readonly string[] = ['power', 'labels', 'protection']

export type PolicyOptions = { readonly fix?: string; readonly onLost?: string }

const fixesOf = (text: string): Fix[] => {
  const words = text === 'none' ? [] : [...new Set(text.split(',').map(word => word.trim()))]
  const wrong = words.find(word => !known.includes(word))
  if (wrong !== undefined) throw usage(`--fix: \`${wrong}\` is not allowed; allowed are ${known.join(', ')}, or none`)
  return words as Fix[]
}

/** What is done by itself, of what was given; undefined when nothing was. */
export const policyOf = ({ fix, onLost }: PolicyOptions): AskPolicy | undefined => {
  if (fix === undefined && onLost === undefined) return undefined
  return {
    ...(fix === undefined ? {} : { fixes: fixesOf(fix) }),
    ...(onLost === undefined ? {} : { onLost: onLost as NonNullable<AskPolicy['onLost']> }),
  }
}
