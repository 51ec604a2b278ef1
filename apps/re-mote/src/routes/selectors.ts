import { SavedName, SavedSelector, SaveSelector } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { deleteSelector, noSuchSelector, putSelector } from '../services/selectors.ts'
import { listSelectors, readSelectors } from '../store/selectors.ts'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ name: SavedName })

/** Saved selectors change what other people's runs reach, so saving one takes the right to change hosts. */
export const addSelectors = (app: App, { pool, link }: RouteDeps): void => {
  const audit = (action: string, subject: string, { name, on }: SavedSelector) =>
    link.audit({ action, subject, host: null, detail: { name, on } })
  app.get(
    '/v1/selectors',
    {
      config: { scope: 'hosts:read' },
      schema: { summary: 'Saved selectors by name', response: { 200: Type.Array(SavedSelector) } },
    },
    () => listSelectors(pool),
  )
  app.get(
    '/v1/selectors/:name',
    {
      config: { scope: 'hosts:read' },
      schema: { summary: 'A saved selector', params: Params, response: { 200: SavedSelector } },
    },
    async ({ params }) => {
      const [found] = await readSelectors(pool, [params.name])
      if (!found) throw noSuchSelector(params.name)
      return found
    },
  )
  app.put(
    '/v1/selectors/:name',
    {
      config: { scope: 'hosts:write' },
      schema: {
        summary: 'Save a selector, for `@name` in others; it may name others itself',
        params: Params,
        body: SaveSelector,
        response: { 200: SavedSelector },
      },
    },
    async ({ params, body, caller }) => {
      const saved = await putSelector(pool, { name: params.name, body, subject: caller.subject })
      audit('selector.saved', caller.subject, saved)
      return saved
    },
  )
  app.delete(
    '/v1/selectors/:name',
    {
      config: { scope: 'hosts:write' },
      schema: { summary: 'Remove a saved selector', params: Params, response: { 200: SavedSelector } },
    },
    async ({ params, caller }) => {
      const removed = await deleteSelector(pool, params.name)
      audit('selector.removed', caller.subject, removed)
      return removed
    },
  )
}
