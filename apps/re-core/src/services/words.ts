import {
  fieldErrors,
  wordKinds,
  wordSchemas,
  type Template,
  type Word,
  type WordChange,
  type WordKind,
  type Words,
} from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { isDeepStrictEqual } from 'node:util'
import { Compile } from 'typebox/compile'
import type { Sql } from '../store/sql.ts'
import { deleteWord, lockWords, putWord, storedWords } from '../store/words.ts'
import { bodyOf, listed, withShipped, type AllWords, type WordBody } from '../words/all.ts'
import { expand, WordError } from '../words/layers.ts'
import type { ServiceDeps } from './deps.ts'

type Deps = Pick<ServiceDeps, 'pool' | 'transaction' | 'now'>

/** A word's error as an answer: the field in the body, and what is allowed. */
export const wordProblem = (error: WordError, kind = 'bad-word', title = 'A word does not fit'): HttpProblem =>
  new HttpProblem(422, kind, title, `${error.path} ${error.message}`, {
    errors: [{ path: `/body${error.path}`, message: error.message }],
  })

export const allWords = async (sql: Sql): Promise<AllWords> => withShipped(await storedWords(sql))

export const getWords = async ({ pool }: Deps, kind: WordKind | null): Promise<Word[]> => {
  const stored = await storedWords(pool)
  return listed(withShipped(stored), stored).filter(word => kind === null || word.kind === kind)
}

export const getWord = async (deps: Deps, kind: WordKind, name: string): Promise<Word> => {
  const all = await getWords(deps, kind)
  const found = all.find(word => word.name === name)
  if (found !== undefined) return found
  const allowed = all.map(word => word.name).join(', ') || 'none yet'
  throw new HttpProblem(404, 'no-such-word', 'No such word', `${kind} has no ${name}; there are: ${allowed}`)
}

/** Every preset that types and presets name is there, and none stands on itself. Throws HttpProblem 422. */
const checkPresets = (words: AllWords): void => {
  try {
    for (const kind of ['types', 'presets'] as const)
      for (const [name, { presets = [] }] of Object.entries<Template>(words[kind]))
        expand(words, presets, `/${kind}/${name}/presets`, kind === 'presets' ? [name] : [])
  } catch (error) {
    if (!(error instanceof WordError)) throw error
    throw wordProblem(error)
  }
}

const changeOf = (kind: WordKind, name: string, before: WordBody | null, after: WordBody | null): WordChange => {
  const change =
    after === null ? 'removed' : before === null ? 'added' : isDeepStrictEqual(before, after) ? 'same' : 'changed'
  return { kind, name, change, before, after }
}

const plain = (body: WordBody | undefined): WordBody | null =>
  body === undefined ? null : (JSON.parse(JSON.stringify(body)) as WordBody)

/** What makes the stored words those of a file; with `prune` what is not in it goes. */
const changesTo = (stored: Words, wanted: Words, prune: boolean): WordChange[] =>
  wordKinds.flatMap(kind => {
    const given = Object.entries<WordBody>(wanted[kind] ?? {})
    const others = Object.keys(stored[kind] ?? {}).filter(name => bodyOf(wanted, kind, name) === undefined)
    return [
      ...given.map(([name, body]) => changeOf(kind, name, plain(bodyOf(stored, kind, name)), plain(body))),
      ...(prune ? others.map(name => changeOf(kind, name, plain(bodyOf(stored, kind, name)), null)) : []),
    ]
  })

/**
 * Makes the stored words those that are given, all or none; with `dryRun` only says what would change. Words that come
 * with re-core stay.
 */
export const applyWords = (
  { transaction, now }: Deps,
  wanted: Words,
  { dryRun, prune }: { readonly dryRun: boolean; readonly prune: boolean },
): Promise<WordChange[]> =>
  transaction(async tx => {
    await lockWords(tx)
    await tx.query('savepoint before')
    const changes = changesTo(await storedWords(tx), wanted, prune)
    for (const { kind, name, change, after } of changes) {
      if (change === 'same') continue
      if (after === null) await deleteWord(tx, kind, name)
      else await putWord(tx, kind, name, after, now())
    }
    checkPresets(await allWords(tx))
    if (dryRun) await tx.query('rollback to savepoint before')
    return changes
  })

const checkBody = (kind: WordKind, body: unknown): WordBody => {
  const compiled = Compile(wordSchemas[kind])
  if (compiled.Check(body)) return body
  const errors = fieldErrors(wordSchemas[kind], compiled.Errors(body)).map(one => ({
    path: `/body${one.path}`,
    message: one.message,
  }))
  const [first = { path: '/body', message: 'does not fit' }] = errors
  throw new HttpProblem(400, 'invalid-body', 'Invalid body', `${first.path} ${first.message}`, { errors })
}

export const saveWord = async (deps: Deps, kind: WordKind, name: string, body: unknown): Promise<Word> => {
  await applyWords(deps, { [kind]: { [name]: checkBody(kind, body) } }, { dryRun: false, prune: false })
  return getWord(deps, kind, name)
}

/** Takes a stored word away; the shipped one of its name counts again. A preset that others stand on stays. */
export const removeWord = async (deps: Deps, kind: WordKind, name: string): Promise<Word> => {
  const word = await getWord(deps, kind, name)
  if (word.shipped)
    throw new HttpProblem(409, 'shipped-word', 'The word comes with re-core', `${name} cannot be removed; save it anew`)
  await deps.transaction(async tx => {
    await lockWords(tx)
    await deleteWord(tx, kind, name)
    const words = await allWords(tx)
    const users = (['types', 'presets'] as const).flatMap(one =>
      Object.entries<Template>(words[one]).flatMap(([user, { presets = [] }]) =>
        kind === 'presets' && presets.includes(name) ? [`${one}/${user}`] : [],
      ),
    )
    if (users.length > 0)
      throw new HttpProblem(409, 'in-use', 'The preset is in use', `${name} is used by ${users.join(', ')}`)
  })
  return word
}
