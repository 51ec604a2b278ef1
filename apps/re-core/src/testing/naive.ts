import { newId, type Provider } from '@re-ops/protocols'
import type { Store } from '../jobs/attempt.ts'
import type { SystemRow } from '../store/row.ts'

/** What is to be known before a machine may exist; the naive way keeps it in memory alone. */
const intentOf = ({ frozenRequest, sentAt, registeredAt }: Partial<SystemRow>): Partial<SystemRow> => ({
  ...(frozenRequest === undefined ? {} : { frozenRequest }),
  ...(sentAt === undefined ? {} : { sentAt }),
  ...(registeredAt === undefined ? {} : { registeredAt }),
})

/** The seeded bug "create, then save the id": a store that writes no intent down. */
export const naiveStore = (store: Store): Store => ({
  ...store,
  write: async (row, changes, at) => {
    const { frozenRequest: _frozen, sentAt: _sent, registeredAt: _registered, ...kept } = changes
    const written = await store.write(row, kept, at)
    return written && { ...written, ...intentOf(row), ...intentOf(changes) }
  },
})

/** And a provider that is given another token each time it is asked. */
export const naiveProvider = (provider: Provider): Provider => ({
  ...provider,
  planCreate: (spec, identity, offering) => {
    const [token, uuid] = [`naive-${newId()}`, newId()]
    return provider.planCreate(spec, { ...identity, token, uuid }, offering)
  },
})
