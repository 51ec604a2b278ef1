import {
  parseSelector,
  parseWithSaved,
  savedLimits,
  savedNames,
  SelectorError,
  type SaveSelector,
  type SavedSelector,
  type Selector,
} from '@re-ops/protocols'
import { HttpProblem, transaction, type Pool } from '@re-ops/service'
import { selectorToSql } from '../selector/sql.ts'
import { listSelectors, lockSelectors, readSelectors, removeSelector, saveSelector } from '../store/selectors.ts'
import type { Sql } from '../store/sql.ts'

/** A selector as a condition over `mote.host h`, its values apart. */
export type Compiled = { readonly condition: string; readonly parameters: unknown[] }

/** A selector that cannot be read is the asker's mistake; `where` its text stood in the request. */
const pointed = <T>(where: string, read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error
    throw new HttpProblem(400, 'bad-selector', 'Bad selector', error.message, {
      errors: [{ path: where, message: error.message }],
    })
  }
}

const compiled = (selector: Selector): Compiled => {
  const parameters: unknown[] = []
  return { condition: selectorToSql(selector, parameters), parameters }
}

/** All that a selector stands on: the saved ones it names, those that they name, and so on. What cannot be read is met again by who writes them out. */
const readSaved = async (sql: Sql, selector: Selector): Promise<Map<string, string>> => {
  const saved = new Map<string, string>()
  let names = savedNames(selector)
  for (let depth = 0; names.length > 0 && depth <= savedLimits.depthMax; depth += 1) {
    const found = await readSelectors(sql, names)
    for (const one of found) saved.set(one.name, one.on)
    names = found.flatMap(one => namesIn(one.on)).filter(name => !saved.has(name))
  }
  return saved
}
const namesIn = (text: string): string[] => {
  try {
    return savedNames(parseSelector(text))
  } catch {
    return [] // saved by another version; using it will say where it stops
  }
}

/**
 * Resolves the text and does `work` with it. With saved selectors in it both happen in one transaction, in which what was saved stays as it was
 * read; without, `work` is on its own.
 */
export const withSelector = async <T>(
  pool: Pool,
  { text, where }: { readonly text: string; readonly where: string },
  work: (sql: Sql, selector: Compiled) => Promise<T>,
): Promise<T> => {
  const selector = pointed(where, () => parseSelector(text))
  if (savedNames(selector).length === 0) return work(pool, compiled(selector))
  return transaction(pool, async tx => {
    const saved = await readSaved(tx, selector)
    return work(tx, compiled(pointed(where, () => parseWithSaved(text, saved))))
  })
}

/** Saves a selector that can be read and that does not lead back to itself. */
export const putSelector = (
  pool: Pool,
  asked: { readonly name: string; readonly body: SaveSelector; readonly subject: string },
): Promise<SavedSelector> => {
  const { name, body, subject } = asked
  const selector = pointed('/body/on', () => parseSelector(body.on))
  return transaction(pool, async tx => {
    await lockSelectors(tx)
    const saved = await readSaved(tx, selector)
    pointed('/body/on', () => parseWithSaved(body.on, saved, [name]))
    const all = await listSelectors(tx)
    if (all.length >= savedLimits.savedMax && !all.some(one => one.name === name))
      throw new HttpProblem(
        409,
        'too-many-selectors',
        'Too many selectors',
        `at most ${savedLimits.savedMax} are saved`,
      )
    return saveSelector(tx, { name, on: body.on, doc: body.doc ?? null, savedBy: subject })
  })
}

/** Takes it away, unless others stand on it. */
export const deleteSelector = (pool: Pool, name: string): Promise<SavedSelector> =>
  transaction(pool, async tx => {
    await lockSelectors(tx)
    const users = (await listSelectors(tx)).filter(one => one.name !== name && namesIn(one.on).includes(name))
    if (users.length > 0)
      throw new HttpProblem(
        409,
        'selector-in-use',
        'Selector in use',
        `@${name} is part of ${users.map(one => `@${one.name}`).join(', ')}; change or remove those first`,
      )
    const removed = await removeSelector(tx, name)
    if (!removed) throw noSuchSelector(name)
    return removed
  })

export const noSuchSelector = (name: string) =>
  new HttpProblem(
    404,
    'no-such-selector',
    'No such selector',
    `no selector is saved as ${name}; GET /v1/selectors lists them`,
  )
