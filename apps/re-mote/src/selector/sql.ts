import type { Selector } from '@re-ops/protocols'
import { factPath, labelPath, valuesPaths } from './jsonpath.ts'
import { patternToRegExp } from './pattern.ts'

type Bind = (value: unknown) => string

/**
 * A selector as an SQL condition over a row `h` (id, name, labels, facts) of the host table; values go into `parameters`, never into the
 * text. It selects what `selects` of the protocols selects, and asks in forms that the table's indexes answer where a value is plain. Saved
 * selectors are written out before (services/selectors.ts). A condition may be null where it is not true, so a negation says what null is.
 */
export const selectorToSql = (selector: Selector, parameters: unknown[]): string => {
  const bind: Bind = value => `$${parameters.push(value)}`
  const compile = (one: Selector): string => {
    switch (one.kind) {
      case 'all':
        return 'true'
      case 'name':
        return nameIs(one.pattern, bind)
      case 'label':
      case 'fact': {
        const equal = one.kind === 'label' ? labelIs(one.key, one.values, bind) : factIs(one.key, one.values, bind)
        return one.negated ? not(equal) : equal
      }
      case 'not':
        return not(compile(one.of))
      case 'and':
      case 'or':
        return `(${one.of.map(compile).join(` ${one.kind} `)})`
      case 'saved':
        throw new Error(`@${one.name} was not replaced by what is saved under it`)
    }
  }
  return compile(selector)
}

const not = (condition: string) => `not coalesce(${condition}, false)`
const anyOf = (conditions: readonly string[]) => `(${conditions.join(' or ')})`

const isPlain = (pattern: string) => !/[*?[]/.test(pattern)
const sorted = (patterns: readonly string[]) => ({
  plain: patterns.filter(isPlain),
  expressions: patterns.filter(pattern => !isPlain(pattern)).map(patternToRegExp),
})

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const nameIs = (pattern: string, bind: Bind): string => {
  const byName = isPlain(pattern)
    ? `h.name = ${bind(pattern)}::text`
    : `h.name ~ ${bind(patternToRegExp(pattern))}::text`
  return uuid.test(pattern) ? `(h.id = ${bind(pattern)}::uuid or ${byName})` : byName
}

const labelIs = (key: string, values: readonly string[], bind: Bind): string => {
  const { plain, expressions } = sorted(values)
  return anyOf([
    ...(plain.length > 0 ? [`h.labels @@ ${bind(labelPath(key, plain))}::jsonpath`] : []),
    ...(expressions.length > 0 ? [`(h.labels ->> ${bind(key)}::text) ~ any(${bind(expressions)}::text[])`] : []),
  ])
}

const factIs = (path: string, values: readonly string[], bind: Bind): string => {
  const keys = path.split('.')
  const { plain, expressions } = sorted(values)
  const found = () =>
    valuesPaths(keys)
      .map(one => `select jsonb_path_query(h.facts, ${bind(one)}::jsonpath)`)
      .join(' union all ')
  const isText = `jsonb_typeof(q.j) in ('string', 'number', 'boolean') and (q.j #>> '{}')`
  return anyOf([
    ...(plain.length > 0 ? [`h.facts @@ ${bind(factPath(keys, plain))}::jsonpath`] : []),
    ...(expressions.length > 0
      ? [`exists (select from (${found()}) q(j) where ${isText} ~ any(${bind(expressions)}::text[]))`]
      : []),
  ])
}
