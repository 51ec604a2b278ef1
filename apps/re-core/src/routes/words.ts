import { Word, WordChange, WordKind, WordName, Words } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { applyWords, getWord, getWords, removeWord, saveWord } from '../services/words.ts'

const OfKind = Type.Object({ kind: WordKind })
const Which = Type.Object({ kind: WordKind, name: WordName })
const Applying = Type.Object({
  dryRun: Type.Boolean({ default: false, description: 'only say what would change' }),
  prune: Type.Boolean({ default: false, description: 'take away stored words that are not given' }),
})
const write = { scope: 'systems:write' } as const
const read = { scope: 'systems:read' } as const

/** Names for sizes, images, regions, types and presets. */
export const wordRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/words',
    {
      config: read,
      schema: { summary: 'Words for machines, those that come with re-core too', response: { 200: Type.Array(Word) } },
    },
    async () => getWords(deps, null),
  )
  app.put(
    '/v1/words',
    {
      config: write,
      schema: {
        summary: 'Save many words, all or none; answers what changed',
        querystring: Applying,
        body: Words,
        response: { 200: Type.Array(WordChange) },
      },
    },
    async ({ body, query }) => applyWords(deps, body, query),
  )
  app.get(
    '/v1/words/:kind',
    { config: read, schema: { summary: 'Words of one kind', params: OfKind, response: { 200: Type.Array(Word) } } },
    async ({ params }) => getWords(deps, params.kind),
  )
  app.get(
    '/v1/words/:kind/:name',
    { config: read, schema: { summary: 'One word', params: Which, response: { 200: Word } } },
    async ({ params }) => getWord(deps, params.kind, params.name),
  )
  app.put(
    '/v1/words/:kind/:name',
    {
      config: write,
      schema: {
        summary: 'Save a word: {on: {provider: name}} for sizes, images and regions, else what it says of a machine',
        params: Which,
        body: Type.Record(Type.String(), Type.Unknown()),
        response: { 200: Word },
      },
    },
    async ({ params, body }) => saveWord(deps, params.kind, params.name, body),
  )
  app.delete(
    '/v1/words/:kind/:name',
    { config: write, schema: { summary: 'Forget a stored word', params: Which, response: { 200: Word } } },
    async ({ params }) => removeWord(deps, params.kind, params.name),
  )
}
