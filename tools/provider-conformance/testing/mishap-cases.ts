import { expect } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { destroyAll, identityOf } from '@re-ops/re-core/testing'
import { bound, create, isOver, powerOf, refusal, running, untilOver, untilPower } from './looks.ts'
import type { Case, Mishaps, Subject } from './subject.ts'

const needs =
  (...wanted: readonly (keyof Mishaps)[]) =>
  ({ mishaps }: Subject): string | null => {
    const missing = wanted.find(one => !mishaps.includes(one))
    return missing === undefined ? null : `it cannot be made to ${missing}`
  }
const lagMs = 20_000
const refusals = ['auth', 'denied', 'throttled', 'quota'] as const
const createSteps = ['create.begin', 'create.defined', 'create.disk', 'create.seed', 'start.begin', 'create.started']

export const mishapCases: readonly Case[] = [
  {
    n: 23,
    title: 'not found within the visibility lag is not gone, neither after a create nor after a destroy',
    needs: needs('lag'),
    run: async (target, _subject, identity) => {
      target.mishaps.lag?.(lagMs)
      const ref = await create(target, identity())
      expect(await powerOf(target, ref)).toBe('not-found')
      expect(await target.alive()).toHaveLength(1)
      await target.provider.destroy(ref, destroyAll, bound())
      expect(await target.alive()).toHaveLength(1)
      await target.pass(lagMs)
      await untilPower(target, ref, 'running')
      expect((await target.provider.findByIdentity(identity(), bound())).map(vm => vm.ref)).toEqual([ref])
      await target.provider.destroy(ref, destroyAll, bound())
      await untilOver(target, ref)
    },
  },
  {
    n: 25,
    title:
      'an answer lost after the fact is `unknown`, and asking again is the same machine; one that lands late is found',
    needs: needs('loseReply', 'landLate'),
    run: async (target, { caps }, identity) => {
      target.mishaps.loseReply?.('create')
      const lost = await refusal(create(target, identity()))
      expect([lost.kind, lost.outcome]).toEqual(['transient', 'unknown'])
      if (caps.createIdempotency !== 'lookup') await create(target, identity())
      const found = await target.provider.findByIdentity(identity(), bound())
      expect(found).toHaveLength(1)
      target.mishaps.loseReply?.('destroy')
      expect(await refusal(target.provider.destroy(found[0]?.ref ?? '', destroyAll, bound()))).toMatchObject({
        outcome: 'unknown',
      })
      await target.provider.destroy(found[0]?.ref ?? '', destroyAll, bound())
      await untilOver(target, found[0]?.ref ?? '')
      target.mishaps.landLate?.(5_000)
      expect(await refusal(create(target, identity(2)))).toMatchObject({ outcome: 'unknown' })
      expect(await target.alive()).toEqual([])
      await target.pass(5_000)
      const landed = await target.provider.findByIdentity(identity(2), bound())
      expect(landed.map(vm => vm.ref)).toEqual(await target.alive())
      expect(landed).toHaveLength(1)
    },
  },
  {
    n: 30,
    title: 'no capacity in two places, a machine in the third: each is its own identity',
    needs: subject => (subject.caps.zones ? needs('noCapacity')(subject) : 'no zones'),
    run: async target => {
      const [one = '', two = '', three = ''] = target.zones
      for (const zone of [one, two]) target.mishaps.noCapacity?.(zone)
      const spec = { ...target.spec('one'), zones: [one, two, three] }
      const offerings = target.provider.offerings(spec)
      expect(offerings.map(offering => offering.zone)).toEqual([one, two, three])
      const [installation, vmId] = [newId(), newId()]
      const attempt = (candidate: number) => {
        const identity = identityOf(installation, vmId, 1, candidate)
        return target.provider.create(target.provider.planCreate(spec, identity, offerings[candidate]), bound())
      }
      for (const candidate of [0, 1])
        expect(await refusal(attempt(candidate))).toMatchObject({ kind: 'capacity', outcome: 'not-applied' })
      const { ref } = await attempt(2)
      expect(await target.alive()).toEqual([ref])
    },
  },
  {
    n: 32,
    title: 'rights, quota and throttling are told apart, and nothing was made',
    needs: needs('refuse'),
    run: async (target, _subject, identity) => {
      for (const why of refusals) {
        target.mishaps.refuse?.(why)
        expect(await refusal(create(target, identity()))).toMatchObject({ kind: why, outcome: 'not-applied' })
      }
      expect(await target.alive()).toEqual([])
      expect(await isOver(target, await running(target, identity()))).toBe(false)
    },
  },
  {
    n: 41,
    title: 'the secret, and one in user-data, stand in no error, however the call fails',
    run: async (target, { caps }, identity) => {
      const inside = 'canary-of-user-data-Zq8'
      const more = caps.userData === false ? {} : { userData: `#!/bin/sh\n# ${inside}\n` }
      const { refuse, loseReply, breakAt } = target.mishaps
      const failures: (() => unknown)[] = [
        ...(refuse ? refusals.map(why => () => refuse(why)) : []),
        ...(loseReply ? [() => loseReply('create')] : []),
        ...(breakAt ? createSteps.map(step => () => breakAt(step)) : []),
      ]
      const request = target.provider.planCreate({ ...target.spec('one'), ...more }, identity())
      const errors: unknown[] = []
      for (const fail of failures) {
        fail()
        errors.push(await refusal(target.provider.create(request, bound())))
      }
      if (caps.createIdempotency === 'caller-id') {
        await target.provider.create(request, bound())
        const other = target.provider.planCreate({ ...target.spec('other'), ...more, type: 'other' }, identity())
        errors.push(await refusal(target.provider.create(other, bound())))
      } else {
        const nonsense = { identity: identity(2), body: { nonsense: true } }
        errors.push(await refusal(target.provider.create(nonsense, bound())))
      }
      for (const error of errors) {
        const { message, stack, cause, ...facts } = error as Error
        const text = JSON.stringify([message, stack, facts, cause])
        for (const canary of [inside, target.canary ?? inside]) expect(text).not.toContain(canary)
      }
    },
  },
  {
    n: 36,
    title: 'a create that breaks off at any step: the next try makes it whole, and a destroy leaves nothing of it',
    needs: needs('breakAt'),
    run: async (target, _subject, identity) => {
      for (const [n, step] of createSteps.entries()) {
        const id = identity(n + 1)
        const request = target.provider.planCreate(target.spec('one'), id)
        for (const end of ['again', 'destroyed'] as const) {
          target.mishaps.breakAt?.(step)
          expect((await refusal(target.provider.create(request, bound()))).message).toContain(step)
          if (end === 'destroyed') continue
          const { ref } = await target.provider.create(request, bound())
          expect(await target.alive()).toEqual([ref])
          await untilPower(target, ref, 'running')
          await target.provider.destroy(ref, destroyAll, bound())
          await untilOver(target, ref)
          expect(await target.leftovers()).toEqual([])
        }
        for (const vm of await target.provider.findByIdentity(id, bound()))
          await target.provider.destroy(vm.ref, destroyAll, bound())
        expect([await target.alive(), await target.leftovers()]).toEqual([[], []])
      }
    },
  },
]
