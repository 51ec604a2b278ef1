import { expect } from '@jest/globals'
import { listJobs } from '@re-ops/re-core/testing'
import type { LifeCase } from './describe-lives.ts'
import { ready, startQuiet } from './life.ts'

export const powerCase: LifeCase = {
  ns: [7],
  letters: 'FDK',
  skips: { L: 'a process that does not end when it is told to is ended after a grace, as any service is' },
  title:
    'a guest that does not stop when it is asked is waited for, and its power taken away only when that is asked for',
  run: async life => {
    const { world, mishaps } = life
    await startQuiet(life)
    const id = await ready(life, 'deaf')
    mishaps.deafen()
    await world.ask(id, 'stop')
    const waiting = await world.until('it is said that it waits', async () => {
      const row = await world.row(id)
      return row.phase === 'stopping' && /was asked to stop and has not yet/.test(row.reason ?? '') && row
    })
    expect(waiting.reason).toContain('stop with force does not wait for it')
    expect(await life.alive()).toEqual([waiting.ref])
    expect((await listJobs(world.pool, id, 1))[0]).toMatchObject({ verb: 'stop', finishedAt: null })
    await world.ask(id, 'stop', { force: true })
    await world.phase(id, 'stopped')
    expect((await listJobs(world.pool, id, 9)).map(job => [job.verb, job.state])).toEqual([
      ['stop', 'done'],
      ['stop', 'cancelled'],
      ['create', 'done'],
    ])
  },
}
