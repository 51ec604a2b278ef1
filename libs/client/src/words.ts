import type { CreateSystems, SystemCost, SystemsPlan, Word, WordChange, WordKind, Words } from '@re-ops/protocols'
import { send, type CallOptions, type Service } from './http.ts'
import { costShape, planShape, shaped, shapedList, wordChangeShape, wordShape } from './shape.ts'

const pathOf = (kind: WordKind, name: string): string => `/v1/words/${kind}/${encodeURIComponent(name)}`

/** Words for machines, and what they come to. Each call throws ClientError. */
export const makeWords = (service: Service) => {
  const url = service.url ?? service.name
  return {
    /** Those that come with re-core too. */
    words: async (options: CallOptions = {}): Promise<Word[]> =>
      shapedList(await send(service, { ...options, method: 'GET', path: '/v1/words' }), 'word', wordShape, url),
    /** All or none; with `dryRun` it only says what would change, with `prune` stored words that are not given go. */
    applyWords: async (
      words: Words,
      how: { readonly dryRun?: boolean; readonly prune?: boolean } = {},
      options: CallOptions = {},
    ): Promise<WordChange[]> => {
      const path = `/v1/words?dryRun=${how.dryRun === true}&prune=${how.prune === true}`
      const answer = await send(service, { ...options, method: 'PUT', path, body: words })
      return shapedList(answer, 'change', wordChangeShape, url)
    },
    putWord: async (kind: WordKind, name: string, body: Word['body'], options: CallOptions = {}): Promise<Word> =>
      shaped(
        await send(service, { ...options, method: 'PUT', path: pathOf(kind, name), body }),
        'word',
        wordShape,
        url,
      ),
    removeWord: async (kind: WordKind, name: string, options: CallOptions = {}): Promise<Word> =>
      shaped(await send(service, { ...options, method: 'DELETE', path: pathOf(kind, name) }), 'word', wordShape, url),
    /** What systems cost an hour and have cost; all that are not gone, or one. */
    costs: async (system?: string, options: CallOptions = {}): Promise<SystemCost[]> => {
      const path = system === undefined ? '/v1/costs' : `/v1/costs?system=${encodeURIComponent(system)}`
      return shapedList(await send(service, { ...options, method: 'GET', path }), 'cost', costShape, url)
    },
    /** What creating these would make, and whose word each value is. Makes nothing. */
    planSystems: async (body: CreateSystems, options: CallOptions = {}): Promise<SystemsPlan> =>
      shaped(
        await send(service, { ...options, method: 'POST', path: '/v1/systems/plan', body }),
        'plan',
        planShape,
        url,
      ),
  }
}
