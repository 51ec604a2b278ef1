import { expect } from '@jest/globals'
import type { LifeCase } from './describe-lives.ts'
import { machinesAgree } from './agree.ts'
import { startQuiet, type Life } from './life.ts'

const create = async ({ world }: Life, name: string, zones: readonly string[]) => {
  const options = zones.length > 0 ? { options: { zones: [...zones] } } : {}
  const id = await world.create(name, () => {}, options)
  await world.phase(id, 'ready')
  return id
}

export const capacityCase: LifeCase = {
  ns: [30],
  letters: 'FD',
  title:
    'no capacity in two places, a machine in the third; they are passed over until what is remembered of them is over',
  run: async life => {
    const { world, capacity } = life
    if (capacity === null) throw new Error('it cannot run out of capacity')
    await startQuiet(life)
    const { zones, exhaust, refill } = capacity
    const [one = '', two = '', three] = zones
    if (three === undefined) {
      exhaust(one)
      const id = await world.create('one')
      await world.until('it waits', async () =>
        /not available|nothing to be had/.test((await world.row(id)).reason ?? ''),
      )
      refill()
      await world.pool.query(`update core.scarce set until = now()`)
      await world.ask(id, 'start')
      await world.phase(id, 'ready')
      return machinesAgree(life, [id])
    }
    for (const zone of [one, two]) exhaust(zone)
    const first = await create(life, 'first', zones)
    // By tries and not by calls: one that takes long is sent again.
    const refused = async (id: string) => (await world.row(id)).candidate
    expect(await refused(first)).toBe(2)
    const { rows } = await world.pool.query<{ offering: string }>('select offering from core.scarce order by offering')
    expect(rows.map(row => row.offering)).toEqual([one, two].map(zone => `t3.small|${zone}|on-demand`))
    const second = await create(life, 'second', zones)
    expect(await refused(second)).toBe(0)
    refill()
    await world.pool.query(`update core.scarce set until = now()`)
    const third = await create(life, 'third', zones)
    expect(await refused(third)).toBe(0)
    const zonesOf = await Promise.all([first, second, third].map(id => capacity.zoneOf(life, id)))
    expect(zonesOf).toEqual([three, three, one])
    await machinesAgree(life, [first, second, third])
  },
}
