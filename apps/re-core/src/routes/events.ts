import { openEvents, type App } from '@re-ops/service'
import type { Changes } from '../services/changes.ts'

/** `system` and `job` events, each with the row as it is after the change; `notice` what happened by itself. */
export const eventRoutes = (app: App, changes: Changes): void => {
  app.get(
    '/v1/events',
    { config: { scope: 'systems:read' }, schema: { summary: 'Changes of systems and jobs, as they happen (SSE)' } },
    async (request, reply) => {
      const stream = openEvents(request, reply)
      const unfollow = changes.follow(({ event, data }) => stream.send(event, data))
      stream.closed.addEventListener('abort', unfollow, { once: true })
      return reply
    },
  )
}
