import type { ExtraPlace, FirewallInfo, Job, PutFirewall, PutVolume, SshKeyInfo, VolumeInfo } from '@re-ops/protocols'
import { send, type CallOptions, type Service } from './http.ts'
import { extraShape, jobShape, shaped, shapedList } from './shape.ts'

const patienceMs = 70_000
type Named = { readonly name: string; readonly ref: string | null }

/** What stands beside machines: volumes, SSH keys, firewalls, each by its name in a place. Each call throws ClientError. */
export const makeExtras = (service: Service) => {
  const url = service.url ?? service.name
  const path = (kind: string, at: ExtraPlace, ...rest: readonly string[]) => {
    const query = new URLSearchParams(Object.entries(at)).toString()
    return `/v1/${[kind, ...rest.map(encodeURIComponent)].join('/')}${query === '' ? '' : `?${query}`}`
  }
  const list = async <T extends Named>(kind: string, at: ExtraPlace, options: CallOptions): Promise<T[]> =>
    shapedList<T>(await send(service, { ...options, method: 'GET', path: path(kind, at) }), kind, extraShape, url)
  type What = {
    readonly method: string
    readonly at: ExtraPlace
    readonly rest: readonly string[]
    readonly body?: unknown
  }
  const ask = async <T extends Named>(
    kind: string,
    { method, at, rest, body }: What,
    options: CallOptions,
  ): Promise<T> => {
    const request = { timeoutMs: patienceMs, ...options, method, path: path(kind, at, ...rest) }
    const answer = await send(service, { ...request, ...(body === undefined ? {} : { body }) })
    return shaped<T>(answer, kind, extraShape, url)
  }
  const job = async ({ at, rest, body }: Omit<What, 'method'>, options: CallOptions): Promise<Job> => {
    const request = { timeoutMs: patienceMs, ...options, method: 'POST', path: path('volumes', at, ...rest), body }
    return shaped(await send(service, request), 'job', jobShape, url)
  }
  return {
    volumes: (at: ExtraPlace = {}, options: CallOptions = {}) => list<VolumeInfo>('volumes', at, options),
    volume: (name: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<VolumeInfo>('volumes', { method: 'GET', at, rest: [name] }, options),
    /** Makes it, or makes it larger; `pending` while it is. */
    putVolume: (name: string, body: PutVolume, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<VolumeInfo>('volumes', { method: 'PUT', at, rest: [name], body }, options),
    /** A job of that system. */
    attachVolume: (name: string, system: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      job({ at, rest: [name, 'attach'], body: { system } }, options),
    /** A job of the system whose machine has it. */
    detachVolume: (name: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      job({ at, rest: [name, 'detach'], body: {} }, options),
    removeVolume: (name: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<VolumeInfo>('volumes', { method: 'DELETE', at, rest: [name] }, options),
    sshKeys: (at: ExtraPlace = {}, options: CallOptions = {}) => list<SshKeyInfo>('ssh-keys', at, options),
    putSshKey: (name: string, publicKey: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<SshKeyInfo>('ssh-keys', { method: 'PUT', at, rest: [name], body: { publicKey } }, options),
    removeSshKey: (name: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<SshKeyInfo>('ssh-keys', { method: 'DELETE', at, rest: [name] }, options),
    firewalls: (at: ExtraPlace = {}, options: CallOptions = {}) => list<FirewallInfo>('firewalls', at, options),
    /** Its rules are exactly these afterwards. */
    putFirewall: (name: string, body: PutFirewall, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<FirewallInfo>('firewalls', { method: 'PUT', at, rest: [name], body }, options),
    removeFirewall: (name: string, at: ExtraPlace = {}, options: CallOptions = {}) =>
      ask<FirewallInfo>('firewalls', { method: 'DELETE', at, rest: [name] }, options),
  }
}
