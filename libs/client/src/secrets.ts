import { send, type CallOptions, type Service } from './http.ts'
import { shaped } from './shape.ts'

type Stored = { name: string; version: number }
const pathOf = (name: string): string => `/v1/secrets/${encodeURIComponent(name)}`

/** Texts that a service keeps encrypted, and that nobody reads back. Each call throws ClientError. */
export const makeSecretCalls = (service: Service) => {
  const url = service.url ?? service.name
  return {
    putSecret: async (name: string, value: string, options: CallOptions = {}): Promise<Stored> =>
      shaped<Stored>(
        await send(service, { ...options, method: 'PUT', path: pathOf(name), body: { value } }),
        'secret',
        { name: 'string', version: 'number' },
        url,
      ),
    removeSecret: async (name: string, options: CallOptions = {}): Promise<{ removed: boolean }> =>
      shaped<{ removed: boolean }>(
        await send(service, { ...options, method: 'DELETE', path: pathOf(name) }),
        'answer',
        { removed: 'boolean' },
        url,
      ),
  }
}
