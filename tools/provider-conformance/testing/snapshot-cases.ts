import { expect } from '@jest/globals'
import type { ImageApi, Snapshot } from '@re-ops/protocols'
import { act, bound, refusal, running, shown, someone, untilOver, untilPower } from './looks.ts'
import type { Case, Target } from './subject.ts'

const imagesOf = ({ provider }: Target): ImageApi => {
  if (provider.images === undefined) throw new Error('the provider has no snapshots, though its subject says so')
  return provider.images
}
const ready = async (target: Target, begun: Snapshot): Promise<Snapshot> => {
  let last: Snapshot | null = begun
  await target.until(`snapshot ${begun.name} is ready`, async () => {
    last = await imagesOf(target).observe(begun.ref, bound())
    return last?.state === 'ready'
  })
  return last
}

export const snapshotCases: readonly Case[] = [
  {
    n: 14,
    title: 'snapshot: ensured twice is one, its machine untouched; a clone is another machine; absent is deleted',
    needs: ({ extras = [] }) => (extras.includes('images') ? null : 'the provider has no snapshots (yet)'),
    run: async (target, { caps }) => {
      const images = imagesOf(target)
      const source = await running(target, someone())
      if (!caps.liveSnapshot) {
        const error = await refusal(images.ensure({ name: 'gold-1', machine: source }, bound()))
        expect([error.kind, error.outcome]).toEqual(['busy', 'not-applied'])
        await act(target, source, { kind: 'stop', force: true })
        await untilPower(target, source, 'stopped')
      }
      const before = await shown(target, source)
      const spec = { name: 'gold-1', machine: source }
      const begun = await images.ensure(spec, bound())
      // Its reference may be another one once it is done.
      expect((await images.ensure(spec, bound())).name).toBe(begun.name)
      const taken = await ready(target, begun)
      expect(await images.ensure(spec, bound())).toEqual(taken)
      expect((await images.list(bound())).map(one => one.name)).toEqual(['gold-1'])
      const after = await shown(target, source)
      expect([after.power, after.addresses, after.tags]).toEqual([before.power, before.addresses, before.tags])
      const clone = await running(target, someone(), { image: taken.ref })
      const copy = await shown(target, clone)
      expect(clone).not.toBe(source)
      for (const address of copy.addresses) expect(before.addresses).not.toContainEqual(address)
      for (const ref of [clone, source]) {
        await target.provider.destroy(ref, { keep: [] }, bound())
        await untilOver(target, ref)
      }
      for (let n = 0; n < 2; n += 1) await images.delete(taken.ref, bound())
      expect(await images.list(bound())).toEqual([])
    },
  },
]
