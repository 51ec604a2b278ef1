import type { ChangeSystem, Job, RebootSystem, ResizeSystem, StopSystem, SystemSnapshot } from '@re-ops/protocols'
import { send, type CallOptions, type Service } from './http.ts'
import { jobShape, shaped, shapedList, snapshotShape } from './shape.ts'

/** What is done to systems that are there, their snapshots, and the jobs of it. Each call throws ClientError. */
export const makeCoreVerbs = (service: Service) => {
  const url = service.url ?? service.name
  const ask = async (method: string, path: string, options: CallOptions, body?: object): Promise<Job> =>
    shaped(await send(service, { ...options, method, path, ...(body ? { body } : {}) }), 'job', jobShape, url)
  const systemPath = (system: string) => `/v1/systems/${encodeURIComponent(system)}`
  const snapshotPath = (snapshot: string) => `/v1/snapshots/${encodeURIComponent(snapshot)}`
  return {
    /** The guest is asked; its power is taken away only with `force`, or from `forceAfterSeconds` on. */
    stopSystem: (system: string, body: StopSystem = {}, options: CallOptions = {}) =>
      ask('POST', `${systemPath(system)}/stop`, options, body),
    /** Once: a job whose request was lost ends `uncertain`. */
    rebootSystem: (system: string, body: RebootSystem = {}, options: CallOptions = {}) =>
      ask('POST', `${systemPath(system)}/reboot`, options, body),
    resizeSystem: (system: string, body: ResizeSystem, options: CallOptions = {}) =>
      ask('POST', `${systemPath(system)}/resize`, options, body),
    /** Another name, or other labels (null takes one away), or what is done by itself. */
    changeSystem: (system: string, body: ChangeSystem, options: CallOptions = {}) =>
      ask('PATCH', systemPath(system), options, body),
    /** The job of it; the snapshot is there when it is done. */
    snapshotSystem: (system: string, name: string, options: CallOptions = {}) =>
      ask('POST', `${systemPath(system)}/snapshots`, options, { name }),
    snapshots: async (options: CallOptions = {}): Promise<SystemSnapshot[]> =>
      shapedList(
        await send(service, { ...options, method: 'GET', path: '/v1/snapshots' }),
        'snapshot',
        snapshotShape,
        url,
      ),
    deleteSnapshot: async (snapshot: string, options: CallOptions = {}): Promise<SystemSnapshot> =>
      shaped(
        await send(service, { ...options, method: 'DELETE', path: snapshotPath(snapshot) }),
        'snapshot',
        snapshotShape,
        url,
      ),
    cancelJob: (id: string, options: CallOptions = {}) =>
      ask('POST', `/v1/jobs/${encodeURIComponent(id)}/cancel`, options, {}),
    retryJob: (id: string, options: CallOptions = {}) =>
      ask('POST', `/v1/jobs/${encodeURIComponent(id)}/retry`, options, {}),
  }
}
