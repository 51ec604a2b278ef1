import { SelectorError, type Selector } from '@re-ops/protocols'
import { patternToRegExp } from './pattern.ts'

/**
 * A selector as an SQL condition over a row `h` (id, name, labels, facts) of the host table; values go into `parameters`, never into the
 * text. It selects what `selects` of the protocols selects. Throws SelectorError for a saved name nobody saved.
 */
export const selectorToSql = (selector: Selector, parameters: unknown[], text: string): string => {
  const bind = (value: unknown): string => {
    parameters.push(value)
    return `$${parameters.length}`
  }
  const anyOf = (subject: string, patterns: readonly string[]): string => {
    const isPlain = (pattern: string) => !/[*?[]/.test(pattern)
    const plain = patterns.filter(isPlain)
    const expressions = patterns.filter(pattern => !isPlain(pattern)).map(patternToRegExp)
    return [
      ...(plain.length > 0 ? [`${subject} = any(${bind(plain)}::text[])`] : []),
      ...(expressions.length > 0 ? [`${subject} ~ any(${bind(expressions)}::text[])`] : []),
    ].join(' or ')
  }
  const compile = (one: Selector): string => {
    switch (one.kind) {
      case 'all':
        return 'true'
      case 'name':
        return `(h.id::text = ${bind(one.pattern)}::text or ${anyOf('h.name', [one.pattern])})`
      case 'label':
      case 'fact': {
        const subject = one.kind === 'label' ? `(h.labels ->> ${bind(one.key)}::text)` : fact(one.key, bind)
        // A missing key compares to null: it is not equal, and so the negation holds.
        const equal = `coalesce((${anyOf(subject, one.values)}), false)`
        return one.negated ? `not ${equal}` : equal
      }
      case 'saved':
        throw new SelectorError(
          text,
          Math.max(0, text.indexOf(`@${one.name}`)),
          'a saved selector, but none has this name',
        )
      case 'not':
        return `not ${compile(one.of)}`
      case 'and':
      case 'or':
        return `(${one.of.map(compile).join(` ${one.kind} `)})`
    }
  }
  return compile(selector)
}

/** The text of the string, number or boolean at a dotted path, or of its `id` when an object is there; else null. */
const fact = (path: string, bind: (value: unknown) => string): string => {
  const at = path.split('.').reduce((from, part) => step(from, part, bind), 'h.facts')
  return `(select case jsonb_typeof(g.w) when 'string' then g.w #>> '{}' when 'number' then g.w #>> '{}' when 'boolean' then g.w #>> '{}' end
    from (select case when jsonb_typeof(f.v) = 'object' and f.v ? 'id' then f.v -> 'id' else f.v end as w from (select ${at} as v) f) g)`
}
const step = (from: string, part: string, bind: (value: unknown) => string): string => {
  // Only whole numbers index arrays: to Postgres, -1 would be the last one.
  if (/^(0|[1-9]\d*)$/.test(part)) return `(${from} #> array[${bind(part)}::text])`
  if (part !== 'length') return `(${from} -> ${bind(part)}::text)`
  return `(select case when jsonb_typeof(a.v) = 'array' then to_jsonb(jsonb_array_length(a.v)) else a.v -> 'length' end from (select ${from} as v) a)`
}
