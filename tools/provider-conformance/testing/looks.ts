import { expect } from '@jest/globals'
import { newId, ProviderError, type Identity, type ObservedVm, type Power, type VmSpec } from '@re-ops/protocols'
import { identityOf, newOp } from '@re-ops/re-core/testing'
import type { Target } from './subject.ts'

const callMs = 45_000
export const bound = (): AbortSignal => AbortSignal.timeout(callMs)
export const someone = (installation = newId()): Identity => identityOf(installation, newId(), 1, 0)

export const create = async (target: Target, identity: Identity, more: Partial<VmSpec> = {}): Promise<string> => {
  const { provider } = target
  const request = provider.planCreate({ ...target.spec('one'), ...more }, identity)
  return (await provider.create(request, bound())).ref
}

/** The power it has, or how absent it is. */
export const powerOf = async (
  { provider }: Target,
  ref: string,
): Promise<Power | 'terminal' | 'not-found' | 'never-made' | 'unknown'> => {
  const seen = await provider.observe(ref, bound())
  if (seen.state === 'present') return seen.vm.power
  return seen.state === 'absent' ? seen.proof : 'unknown'
}

export const untilPower = (target: Target, ref: string, wanted: string): Promise<void> =>
  target.until(`${ref} is ${wanted}`, async () => (await powerOf(target, ref)) === wanted)

export const running = async (target: Target, identity: Identity, more: Partial<VmSpec> = {}): Promise<string> => {
  const ref = await create(target, identity, more)
  await untilPower(target, ref, 'running')
  return ref
}

/** Not there, in whatever way the provider says so. */
export const isOver = async (target: Target, ref: string): Promise<boolean> =>
  ['terminal', 'not-found', 'gone'].includes(await powerOf(target, ref))
export const untilOver = (target: Target, ref: string): Promise<void> =>
  target.until(`${ref} is gone`, () => isOver(target, ref))

export const act = (target: Target, ref: string, action: Parameters<Target['provider']['act']>[1]) =>
  target.provider.act(ref, action, newOp(), bound())

export const listed = async (target: Target, scope: 'owned' | 'all' = 'owned'): Promise<ObservedVm[]> => {
  const all: ObservedVm[] = []
  for await (const vm of target.provider.list(scope, bound())) all.push(vm)
  return all
}

export const shown = async (target: Target, ref: string): Promise<ObservedVm> => {
  const seen = await target.provider.observe(ref, bound())
  if (seen.state !== 'present') throw new Error(`${ref} is ${JSON.stringify(seen)}`)
  return seen.vm
}

/** The refusal; throws when it was none. */
export const refusal = async (work: Promise<unknown>): Promise<ProviderError> => {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ProviderError)
  return error as ProviderError
}
