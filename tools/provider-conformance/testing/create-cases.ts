import { expect } from '@jest/globals'
import type { Identity, ObservedVm } from '@re-ops/protocols'
import { destroyAll } from '@re-ops/re-core/testing'
import { bound, create, refusal, running, shown, someone, untilOver } from './looks.ts'
import type { Case, Target } from './subject.ts'

const parallel = 50

const inTurn = async <T>(works: readonly (() => Promise<T>)[]): Promise<T[]> => {
  const done: T[] = []
  for (const work of works) done.push(await work())
  return done
}

/** The machine with these tags; null when they are refused, and it is said what is allowed. */
const tagged = async (target: Target, id: Identity, tags: Record<string, string>): Promise<ObservedVm | null> => {
  const spec = { ...target.spec('one'), tags }
  try {
    target.provider.planCreate(spec, id)
  } catch (error) {
    expect(error).toMatchObject({
      kind: 'invalid',
      outcome: 'not-applied',
      message: expect.stringContaining('allowed'),
    })
    return null
  }
  return shown(target, await running(target, id, { tags }))
}

export const createCases: readonly Case[] = [
  {
    n: 1,
    title: 'create: running, with address, size, image, tags and owner to be read back',
    run: async (target, { caps }, identity) => {
      const spec = { ...target.spec('one'), tags: { role: 'web' } }
      const id = identity()
      const { ref } = await target.provider.create(target.provider.planCreate(spec, id), bound())
      await target.until('it runs', async () => {
        const seen = await target.provider.observe(ref, bound())
        return seen.state === 'present' && seen.vm.power === 'running' && seen.vm.addresses.length > 0
      })
      const vm = await shown(target, ref)
      expect(vm.owner).toEqual({
        installation: id.installation,
        vmId: id.vmId,
        generation: id.generation,
        candidate: id.candidate,
      })
      expect(vm.size).not.toBe('')
      expect(Date.parse(vm.createdAt)).not.toBeNaN()
      if (caps.tags !== 'none') expect(vm.tags).toMatchObject({ role: 'web' })
    },
  },
  {
    n: 2,
    title: 'create twice with one identity, also at once and by another client: one machine',
    run: async (target, { caps }, identity) => {
      const request = target.provider.planCreate(target.spec('one'), identity())
      const hands = [target.provider, target.another, target.provider]
      // One that looks first cannot be asked at once: a system's row lets one attempt after the other do it.
      const refs =
        caps.createIdempotency === 'lookup'
          ? await inTurn(hands.map(one => () => one.create(request, bound())))
          : await Promise.all(hands.map(one => one.create(request, bound())))
      expect(new Set(refs.map(one => one.ref)).size).toBe(1)
      expect(await target.alive()).toHaveLength(1)
    },
  },
  {
    n: 3,
    title: 'one identity with a changed request: identity-mismatch, found, no second machine',
    needs: ({ caps }) => (caps.createIdempotency === 'lookup' ? 'no idempotency of its own' : null),
    run: async (target, _subject, identity) => {
      const ref = await running(target, identity())
      const error = await refusal(create(target, identity(), { name: 'other' }))
      expect([error.kind, error.outcome]).toEqual(['identity-mismatch', 'not-applied'])
      const found = await target.provider.findByIdentity(identity(), bound())
      expect(found.map(vm => vm.ref)).toEqual([ref])
      expect(await target.alive()).toHaveLength(1)
    },
  },
  {
    n: 4,
    title: 'the next generation after destroy is another machine; the spent identity makes none',
    run: async (target, { caps }, identity) => {
      const first = await running(target, identity())
      await target.provider.destroy(first, destroyAll, bound())
      await untilOver(target, first)
      if (!caps.reusableAfterDestroy) {
        const error = await refusal(create(target, identity()))
        expect([error.kind, error.outcome]).toEqual(['identity-spent', 'not-applied'])
      }
      const next = await running(target, identity(2))
      expect(next).not.toBe(first)
      expect(await target.alive()).toHaveLength(1)
    },
  },
  {
    n: 5,
    title: `${parallel} creates at once with ${parallel} identities: exactly so many machines`,
    needs: ({ many }) => (many < parallel ? `no room for ${parallel} machines` : null),
    run: async target => {
      const ids = Array.from({ length: parallel }, () => someone())
      expect(new Set(ids.map(id => id.token)).size).toBe(parallel)
      const refs = await Promise.all(ids.map(id => create(target, id)))
      expect(new Set(refs).size).toBe(parallel)
      expect(await target.alive()).toHaveLength(parallel)
    },
  },
  {
    n: 18,
    title: 'tags round trip: unicode, as long as they may be, changed and taken away; ours are not for others to set',
    needs: ({ caps }) => (caps.actions.includes('setTags') ? null : 'tags cannot be changed'),
    run: async (target, _subject, identity) => {
      const tags = { role: 'web', note: 'größer, 東京', odd: 'a:b=c_d~%20 <&>"\'' }
      const ref = await running(target, identity(), { tags })
      await target.until('all are there', async () => (await shown(target, ref)).tags['note'] !== undefined)
      expect((await shown(target, ref)).tags).toMatchObject(tags)
      const op = { id: identity().vmId, since: new Date() }
      const changes = { role: null, note: 'naïve', env: 'test' }
      await target.provider.act(ref, { kind: 'setTags', tags: changes }, op, bound())
      const after = (await shown(target, ref)).tags
      expect(after).toMatchObject({ note: 'naïve', env: 'test', odd: tags.odd })
      expect(after).not.toHaveProperty('role')
      expect((await shown(target, ref)).owner?.vmId).toBe(identity().vmId)
      await target.provider.destroy(ref, destroyAll, bound())
      // Either refused with what is allowed, or told as it was given.
      const [long, claim] = [{ long: '東'.repeat(256) }, { 'recore:vm': someone().vmId }]
      const [kept, own] = [await tagged(target, identity(2), long), await tagged(target, identity(3), claim)]
      if (kept !== null) expect(kept.tags).toMatchObject(long)
      if (own !== null) expect(own.owner?.vmId).toBe(identity().vmId)
    },
  },
]
