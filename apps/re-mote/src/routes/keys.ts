import { KeysInfo, RetireKey, RotateKeys } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import type { RouteDeps } from './deps.ts'

export const addKeys = (app: App, { keys, link }: RouteDeps): void => {
  app.get(
    '/v1/keys',
    {
      config: { scope: 'admin' },
      schema: { summary: 'The public keys of this installation, and which are in use', response: { 200: KeysInfo } },
    },
    () => keys.info(),
  )
  app.post(
    '/v1/keys/rotate',
    {
      config: { scope: 'admin' },
      schema: {
        summary:
          'A new server key or module key, published in a keyset of a higher serial; agents with a session take it at once',
        body: RotateKeys,
        response: { 200: KeysInfo },
      },
    },
    async ({ body, caller }) => {
      const info = await keys.rotate(body)
      const detail = { ...body, serial: info.serial }
      link.audit({ action: 'keys.rotated', subject: caller.subject, host: null, detail })
      return info
    },
  )
  app.post(
    '/v1/keys/retire',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Publish a key no more; one that is in use is refused',
        body: RetireKey,
        response: { 200: KeysInfo },
      },
    },
    async ({ body, caller }) => {
      const info = await keys.retire(body.publicKey)
      const detail = { publicKey: body.publicKey, serial: info.serial }
      link.audit({ action: 'keys.retired', subject: caller.subject, host: null, detail })
      return info
    },
  )
}
