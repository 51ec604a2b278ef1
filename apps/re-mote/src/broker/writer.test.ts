import { describe, expect, test } from '@jest/globals'
import { until } from '../testing/until.ts'
import { brokerLimits } from './limits.ts'
import { makeWriter, type WhyUnsent } from './writer.ts'

const a = '0a'
const b = '0b'
/** A socket whose peers can be gone or slow. */
const makeSocket = () => {
  const sent: string[] = []
  const state = new Map<string, 'EHOSTUNREACH' | 'EAGAIN'>()
  const writer = makeWriter(async ([routing, bytes]) => {
    await Promise.resolve()
    const code = state.get(routing.toString('latin1'))
    if (code) throw Object.assign(new Error(code), { code })
    sent.push(`${routing.toString('latin1')} ${bytes.toString()}`)
  })
  const failed: string[] = []
  const put = (routing: string, text: string, control = false) =>
    writer.put(
      { routing, frame: Buffer.from(text), onFail: (why: WhyUnsent) => failed.push(`${text} ${why}`) },
      control,
    )
  return { writer, sent, failed, state, put }
}

describe('the writer', () => {
  test('sends in order, control messages first', async () => {
    const { put, sent, writer } = makeSocket()
    for (const text of ['1', '2', '3']) put(a, text)
    put(a, 'control', true)
    await until('all are sent', () => sent.length === 4)
    // The first was under way already when the control message came.
    expect(sent).toEqual(['0a 1', '0a control', '0a 2', '0a 3'])
    writer.close()
  })

  test('says when all that waited is given away or has failed', async () => {
    const { put, sent, failed, state, writer } = makeSocket()
    await writer.drained() // nothing waits
    state.set(b, 'EHOSTUNREACH')
    for (const text of ['1', '2']) put(a, text)
    put(b, '3')
    await writer.drained()
    expect({ sent, failed }).toEqual({ sent: ['0a 1', '0a 2'], failed: ['3 gone'] })
    writer.close()
  })

  test('tells who is gone, and goes on with the others', async () => {
    const { put, sent, failed, state, writer } = makeSocket()
    state.set(a, 'EHOSTUNREACH')
    put(a, '1')
    put(b, '2')
    await until('the second is sent', () => sent.length === 1)
    expect([sent, failed]).toEqual([['0b 2'], ['1 gone']])
    writer.close()
  })

  test('sets aside what a slow agent does not take, keeps its order, and holds nobody else up', async () => {
    const { put, sent, failed, state, writer } = makeSocket()
    state.set(a, 'EAGAIN')
    for (const text of ['1', '2', '3']) put(a, text)
    put(b, 'other')
    await until('the other is sent', () => sent.length === 1)
    expect(writer.length).toBe(3)
    state.delete(a)
    await until('the slow one has all', () => sent.length === 4)
    expect(sent).toEqual(['0b other', '0a 1', '0a 2', '0a 3'])
    expect(failed).toEqual([])
    writer.close()
  })

  test('has a limit for an agent that is slow', async () => {
    const { put, failed, state, writer } = makeSocket()
    state.set(a, 'EAGAIN')
    for (let n = 0; n < brokerLimits.queuePerAgentMax + 5; n += 1) put(a, String(n))
    await until('the rest fails', () => failed.length === 5)
    expect(failed.every(line => line.endsWith(' slow'))).toBe(true)
    expect(writer.length).toBe(brokerLimits.queuePerAgentMax)
    writer.close()
  })

  test('has a limit for all together', () => {
    const { put, failed, writer } = makeSocket()
    for (let n = 0; n <= brokerLimits.queueMax + 1; n += 1) put(b, 'x')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed[0]).toBe('x full')
    writer.close()
  })
})
