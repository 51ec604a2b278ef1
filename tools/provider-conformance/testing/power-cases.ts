import { expect } from '@jest/globals'
import { act, powerOf, refusal, running, shown, untilPower } from './looks.ts'
import type { Case } from './subject.ts'

export const powerCases: readonly Case[] = [
  {
    n: 6,
    title: 'start and stop are idempotent; a state that refuses is busy, and nothing breaks',
    run: async (target, _subject, identity) => {
      const ref = await running(target, identity())
      await act(target, ref, { kind: 'start' })
      await act(target, ref, { kind: 'stop', force: false })
      // On its way or already there: done or busy, and never anything else.
      const again = await act(target, ref, { kind: 'start' }).catch((error: unknown) => error)
      if (again instanceof Error) expect(again).toMatchObject({ kind: 'busy', outcome: 'not-applied' })
      else await act(target, ref, { kind: 'stop', force: true })
      await untilPower(target, ref, 'stopped')
      await act(target, ref, { kind: 'stop', force: true })
      expect(await powerOf(target, ref)).toBe('stopped')
      await act(target, ref, { kind: 'start' })
      await untilPower(target, ref, 'running')
    },
  },
  {
    n: 8,
    title: 'reboot: the same machine, running; of a stopped one or one that is not there it is refused',
    needs: ({ caps }) => (caps.actions.includes('reboot') ? null : 'it cannot be rebooted'),
    run: async (target, { caps }, identity) => {
      const ref = await running(target, identity())
      const op = { id: identity().vmId, since: new Date() }
      await act(target, ref, { kind: 'reboot', force: false })
      await untilPower(target, ref, 'running')
      expect(await target.alive()).toHaveLength(1)
      const found = await target.provider.findOp(ref, 'reboot', op, AbortSignal.timeout(5_000))
      if (!caps.opHistory) expect(found).toBe('cannot-tell')
    },
  },
  {
    n: 12,
    title: 'a protected machine refuses destroy until its protection is taken away',
    needs: ({ caps }) => (caps.protection ? null : 'no protection'),
    run: async (target, _subject, identity) => {
      const ref = await running(target, identity(), { protected: true })
      for (let n = 0; n < 2; n += 1) {
        const error = await refusal(target.provider.destroy(ref, { keep: [] }, AbortSignal.timeout(20_000)))
        expect([error.kind, error.outcome]).toEqual(['protected', 'not-applied'])
      }
      expect(await target.alive()).toHaveLength(1)
      await act(target, ref, { kind: 'setProtection', protected: false })
      await target.provider.destroy(ref, { keep: [] }, AbortSignal.timeout(20_000))
      await target.until('it is gone', async () => (await target.alive()).length === 0)
    },
  },
  {
    n: 13,
    title: 'resize: stopped, larger, started; refused while it runs, which changes nothing',
    needs: ({ caps }) => (caps.actions.includes('resize') ? null : 'its size cannot be changed'),
    run: async (target, { caps }, identity) => {
      const size = target.largerSize ?? ''
      const ref = await running(target, identity())
      if (!caps.liveResize) {
        const error = await refusal(act(target, ref, { kind: 'resize', size }))
        expect([error.kind, error.outcome]).toEqual(['busy', 'not-applied'])
        expect(await powerOf(target, ref)).toBe('running')
        await act(target, ref, { kind: 'stop', force: true })
        await untilPower(target, ref, 'stopped')
      }
      await act(target, ref, { kind: 'resize', size })
      await act(target, ref, { kind: 'resize', size })
      // Where the disk follows the size there is no way back.
      if (target.provider.checkResize !== undefined) {
        const error = await refusal(act(target, ref, { kind: 'resize', size: target.spec('one').size }))
        expect([error.kind, error.outcome]).toEqual(['invalid', 'not-applied'])
        expect(error.message).toMatch(/disks never shrink; allowed: /)
      }
      await act(target, ref, { kind: 'start' })
      await untilPower(target, ref, 'running')
      expect((await shown(target, ref)).size).toBe(size)
    },
  },
]
