import { expect } from '@jest/globals'
import { destroyAll } from '@re-ops/re-core/testing'
import { bound, create, listed, running, untilOver } from './looks.ts'
import type { Case } from './subject.ts'

export const destroyCases: readonly Case[] = [
  {
    n: 10,
    title: 'destroy is idempotent: while it comes up, while it goes, when it is gone',
    run: async (target, _subject, identity) => {
      const ref = await create(target, identity())
      for (let n = 0; n < 3; n += 1) await target.provider.destroy(ref, destroyAll, bound())
      await untilOver(target, ref)
      await target.provider.destroy(ref, destroyAll, bound())
      expect(await target.alive()).toEqual([])
      expect(await listed(target)).toEqual([])
    },
  },
  {
    n: 11,
    title: 'destroy leaves nothing that costs; what is to be kept stays',
    run: async (target, _subject, identity) => {
      const ref = await running(target, identity())
      const before = await target.provider.children(ref, bound())
      await target.provider.destroy(ref, destroyAll, bound())
      await untilOver(target, ref)
      expect(await target.leftovers()).toEqual([])
      const next = await running(target, identity(2))
      const [disk] = (await target.provider.children(next, bound())).filter(one => one.costs)
      expect(before.some(one => one.costs)).toBe(disk !== undefined)
      if (disk === undefined) return
      await target.provider.destroy(next, { keep: [disk.ref] }, bound())
      await untilOver(target, next)
      expect(await target.leftovers()).toEqual([disk.ref])
    },
  },
]
