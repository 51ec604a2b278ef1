import { Type } from '@re-ops/pipelines'
import { catalogue as real, type Catalogue } from '@re-ops/re-gent/embedded'
import type { Random } from '../chaos/foundation/random.ts'
import type { SimulatedOperation } from './orders.ts'

/**
 * The catalogue of a simulated agent: the real one, with some operations answered here instead. re-mote must know them
 * too; the agent does not look at their input and output.
 */
export const catalogueWith = (simulated: readonly SimulatedOperation[], random: Random): Catalogue => {
  if (simulated.length === 0) return real
  const anything = Type.Unknown()
  const every = {
    doc: 'simulated',
    input: anything,
    output: anything,
    native: true,
    checkInput: fits,
    checkOutput: fits,
  } as const
  const operations = new Map(simulated.map(({ name, reads = true }) => [name, { ...every, name, reads }]))
  const answers = simulated.map(spec => [spec.name, () => answer(spec, random)] as const)
  return {
    operationNamed: name => operations.get(name) ?? real.operationNamed(name),
    natives: new Map([...real.natives, ...answers]),
  }
}

const fits = () => []

const answer = async (spec: SimulatedOperation, random: Random): Promise<unknown> => {
  const [least, most] = spec.tookMs ?? [0, 0]
  const tookMs = least + random.next() * (most - least)
  if (tookMs > 0) await new Promise(resolve => setTimeout(resolve, tookMs))
  if (random.next() < (spec.fails ?? 0)) throw new Error('a simulated failure')
  return spec.value ?? 'x'.repeat(spec.outputChars ?? 0)
}
