import { expect, test } from '@jest/globals'
import { newId, type Id } from '@re-ops/protocols'
import fc from 'fast-check'
import { openRing, type Ring } from './ring.ts'
import { temporaryFolder } from './testing/process.ts'

type Step = { do: 'put' | 'reserve' | 'drop' | 'reopen'; bytes: number; at: number }
const steps = fc.array(
  fc.record({
    do: fc.constantFrom('put', 'put', 'put', 'reserve', 'drop', 'drop', 'reopen'),
    bytes: fc.integer({ min: 200, max: 9_000 }),
    at: fc.nat({ max: 1000 }),
  }) as fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 150 },
)
const bytesMax = 65_536
const body = (id: Id, bytes: number) => ({ id, ms: 1, result: { ok: true as const, value: 'x'.repeat(bytes - 150) } })

test('a result stays, in order and whole, until it is settled; the room is never exceeded', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async list => {
      const folder = temporaryFolder()
      const settled = new Set<Id>()
      const open = (): Ring =>
        openRing({ folder: folder.path, bytesMax, settled: id => settled.has(id), beforeRemove: () => undefined })
      const model = new Map<Id, number>()
      let ring = open()
      try {
        for (const step of list) {
          if (step.do === 'put' || step.do === 'reserve') {
            const id = newId()
            const fits = ring.reserve(step.bytes)
            const live = [...model.values()].reduce((sum, bytes) => sum + bytes, 0)
            if (!fits) expect(live + ring.bytes().reserved + step.bytes).toBeGreaterThan(bytesMax * 0.9)
            else if (step.do === 'put') {
              await ring.put(body(id, step.bytes), step.bytes, step.at % 5 === 0)
              model.set(id, step.bytes)
            } else if (step.at % 2 === 0) ring.release(step.bytes)
          } else if (step.do === 'drop') {
            const id = [...model.keys()][step.at % Math.max(1, model.size)]
            if (!id) continue
            settled.add(id)
            model.delete(id)
            ring.drop(id)
          } else {
            ring.close()
            ring = open()
          }
          expect(ring.ids()).toEqual([...model.keys()])
          expect(ring.bytes().used + ring.bytes().reserved).toBeLessThanOrEqual(bytesMax)
        }
        for (const [id, bytes] of model) expect(ring.get(id)).toEqual(body(id, bytes))
      } finally {
        ring.close()
        folder.remove()
      }
    }),
    { numRuns: 60 },
  )
})
