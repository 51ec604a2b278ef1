import { setTimeout as wait } from 'node:timers/promises'
import type { System } from '@re-ops/protocols'
import type { Proof } from '../proof/command.ts'
import { median, quantile, rounded } from '../proof/report.ts'
import { request, withCluster } from './with-cluster.ts'

const creates = 30
const readyWithinMs = 30_000
const pollMs = 20

/**
 * From `POST /v1/systems` to the provider's create call (phase `requested`), and to `ready`. One at a time, as a person
 * would; both ends are read from the database's clock, so the client's own time is not in the figure.
 */
export const systems: Proof = {
  doc: "POST /v1/systems to the provider's create call",
  run: ({ say }) =>
    withCluster(say, async cluster => {
      const toCreateMs: number[] = []
      const toReadyMs: number[] = []
      for (let n = 1; n <= creates; n += 1) {
        const url = `${cluster.coreUrl}/v1/systems`
        const made = await request<{ systems: System[] }>(cluster, 'POST', url, { name: `bench-${n}` })
        const { id } = made.systems[0] as System
        const until = performance.now() + readyWithinMs
        let system = made.systems[0] as System
        while (system.phase !== 'ready' && performance.now() < until) {
          await wait(pollMs)
          system = await request<System>(cluster, 'GET', `${url}/${id}`)
        }
        if (system.phase !== 'ready') throw new Error(`bench-${n} is ${system.phase}: ${system.reason ?? 'no reason'}`)
        const at = (name: string) => Date.parse(system.phases.find(span => span.name === name)?.at ?? '')
        toCreateMs.push(at('requested') - Date.parse(system.createdAt))
        toReadyMs.push(system.readyAfterMs ?? Number.NaN)
        await request(cluster, 'DELETE', `${url}/${id}`)
      }
      say(`${creates} systems`)
      return {
        name: 'systems',
        measures: {
          postToCreateP50Ms: rounded(median(toCreateMs)),
          postToCreateP99Ms: rounded(quantile(toCreateMs, 0.99)),
          postToReadyP50Ms: rounded(median(toReadyMs)),
        },
        aims: { postToCreateP50Ms: { atMost: 30 } },
      }
    }),
}
