import type { CreateRequest } from '@re-ops/protocols'
import { makeKvm } from '../providers/kvm/kvm.ts'
import { destroyAll } from '../providers/op.ts'
import { noLimiter } from '../providers/plain.ts'

/** What a process that dies at a step is told, as JSON in its first argument. */
export type KvmStep = {
  readonly settings: Readonly<Record<string, unknown>>
  readonly request: CreateRequest
  readonly verb: 'create' | 'destroy'
  /** Where it kills itself; null: it does not. */
  readonly diesAt: string | null
}

const run = async ({ settings, request, verb, diesAt }: KvmStep): Promise<void> => {
  const at = (point: string) => void (point === diesAt && process.kill(process.pid, 'SIGKILL'))
  const account = { name: 'test', settings, secret: null }
  const provider = makeKvm({ now: Date.now, at }, { account, region: 'here', limiter: noLimiter })
  const signal = AbortSignal.timeout(30_000)
  if (verb === 'create') await provider.create(request, signal)
  else await provider.destroy(request.identity.uuid, destroyAll, signal)
}

const told = process.argv[2]
if (told !== undefined) await run(JSON.parse(told) as KvmStep)
