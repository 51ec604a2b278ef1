import { expect } from '@jest/globals'
import type { Identity } from '@re-ops/protocols'
import { destroyAll, newOp } from '@re-ops/re-core/testing'
import { bound, create, listed, refusal, someone, untilPower } from './looks.ts'
import type { Case, Target } from './subject.ts'

const makeMany = async (target: Target, count: number): Promise<string[]> => {
  const refs: string[] = []
  for (let at = 0; at < count; at += 25)
    refs.push(...(await Promise.all(Array.from({ length: Math.min(25, count - at) }, () => create(target, someone())))))
  return refs
}

export const listCases: readonly Case[] = [
  {
    n: 19,
    title: 'list: none, one, many over page boundaries; the same ones while others come and go',
    run: async (target, { many }) => {
      expect(await listed(target)).toEqual([])
      const first = await create(target, someone())
      await untilPower(target, first, 'running')
      expect((await listed(target)).map(vm => vm.ref)).toEqual([first])
      const refs = [first, ...(await makeMany(target, many - 1))]
      await target.until('all are shown', async () => (await listed(target)).length === many)
      const going = refs.slice(1, 4)
      const seen: string[] = []
      for await (const vm of target.provider.list('owned', bound())) {
        seen.push(vm.ref)
        const one = going.pop()
        if (one === undefined) continue
        await target.provider.destroy(one, destroyAll, bound())
        await create(target, someone())
      }
      const staying = [first, ...refs.slice(4)]
      for (const ref of staying) expect(seen.filter(one => one === ref)).toHaveLength(1)
    },
  },
  {
    n: 20,
    title: 'a list that breaks on its second page throws, and never answers short',
    needs: ({ mishaps }) => (mishaps.includes('breakSecondPage') ? null : 'a list here has no pages that break'),
    run: async (target, { many }) => {
      await makeMany(target, many)
      await target.until('all are shown', async () => (await listed(target)).length === many)
      target.mishaps.breakSecondPage?.()
      const error = await refusal(listed(target))
      expect(['transient', 'throttled']).toContain(error.kind)
      expect(await listed(target)).toHaveLength(many)
    },
  },
  {
    n: 21,
    title: 'our marks are taken off a machine and put on one that has none, however often; nobody has it in between',
    needs: ({ caps }) => (caps.actions.includes('setOwner') ? null : 'every machine here is one that re-core made'),
    run: async target => {
      const { provider } = target
      const ref = await create(target, someone())
      await untilPower(target, ref, 'running')
      const mark = (owner: Identity | null) => provider.act(ref, { kind: 'setOwner', owner }, newOp(), bound())
      const ownerIn = async (scope: 'owned' | 'all') => {
        for await (const vm of provider.list(scope, bound())) if (vm.ref === ref) return vm.owner ?? null
        return undefined
      }
      for (let times = 0; times < 2; times += 1) await mark(null)
      await target.until('it is unmarked', async () => (await ownerIn('all')) === null)
      expect(await ownerIn('owned')).toBeUndefined()
      const owner = someone()
      for (let times = 0; times < 2; times += 1) await mark(owner)
      await target.until('it is marked', async () => (await ownerIn('owned'))?.vmId === owner.vmId)
      expect(owner).toMatchObject((await ownerIn('all')) ?? { owner: 'none' })
    },
  },
]
