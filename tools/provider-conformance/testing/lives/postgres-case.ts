import { expect } from '@jest/globals'
import type { LifeCase } from './describe-lives.ts'
import { machinesAgree } from './agree.ts'
import { startQuiet } from './life.ts'

export const postgresCase: LifeCase = {
  ns: [26],
  ownPostgres: true,
  letters: 'LFDTK',
  title: 'Postgres killed (-9) between the create call and saving what it answered: one machine, then none',
  run: async (life, postgres) => {
    const { world } = life
    const killed = Promise.withResolvers<void>()
    let isKilled = false
    await startQuiet(life, {
      at: async point => {
        if (point !== 'create.answered' || isKilled) return
        isKilled = true
        await postgres?.kill()
        killed.resolve()
      },
    })
    const id = await world.create('one')
    await killed.promise
    expect(await life.alive()).toHaveLength(1)
    await postgres?.startAgain()
    await world.phase(id, 'ready')
    await machinesAgree(life, [id])
    await world.ask(id, 'destroy')
    await world.phase(id, 'gone')
    expect(await life.alive()).toEqual([])
  },
}
