import { ProviderError, type KeyApi, type SshKey } from '@re-ops/protocols'
import { keyBody } from '../key-body.ts'
import { acting, destroying, listing, reading, type DoCall } from './client.ts'
import { numberOf } from './observe.ts'
import { all } from './pages.ts'

type DoKey = { readonly id: number; readonly name: string; readonly fingerprint: string; readonly public_key: string }

const key = (one: DoKey): SshKey => ({ ref: String(one.id), name: one.name, fingerprint: one.fingerprint })

const keys = { path: '/account/keys', key: 'ssh_keys' }

/** SSH keys of the account. */
export const makeKeys = (call: DoCall): KeyApi => ({
  ensure: async ({ name, publicKey }, signal) => {
    const known = await all<DoKey>(call, reading, keys, signal)
    const same = known.find(one => keyBody(one.public_key) === keyBody(publicKey))
    if (same !== undefined) return key(same)
    if (known.some(one => one.name === name))
      throw new ProviderError('conflict', 'not-applied', `there is another key with the name ${name}`)
    const { ssh_key } = await call(acting, signal, api => api.sshKey.createSshKey({ name, public_key: publicKey }))
    return key(ssh_key)
  },
  list: async signal => (await all<DoKey>(call, listing, keys, signal)).map(key),
  delete: async (ref, signal) => {
    try {
      await call(destroying, signal, api => api.sshKey.destroySshKey({ ssh_key_id: numberOf(ref) }))
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'not-found')) throw error
    }
  },
})
