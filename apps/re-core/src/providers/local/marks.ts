import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProviderError } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { replaceFile } from './machine.ts'

/** What may change of a machine while it lives; written beside what it is. */
export const Marks = Type.Object({
  name: Type.String(),
  protected: Type.Boolean(),
  tags: Type.Record(Type.String(), Type.String()),
  expiresAt: Type.Optional(Type.String()),
})
export type Marks = Static<typeof Marks>
const checkMarks = Compile(Marks)

export const marksFile = 'marks.json'

/** Null for a machine that was made before there were marks. */
export const readMarks = async (folder: string): Promise<Marks | null> => {
  const path = join(folder, marksFile)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const marks: unknown = JSON.parse(text)
  if (checkMarks.Check(marks)) return marks
  throw new ProviderError('bug', 'not-applied', `${path} holds no marks of a machine`)
}

export const writeMarks = (folder: string, marks: Marks): Promise<void> =>
  replaceFile(join(folder, marksFile), JSON.stringify(marks))
