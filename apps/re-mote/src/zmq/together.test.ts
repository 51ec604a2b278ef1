import { expect, test } from '@jest/globals'
import { together } from './together.ts'

const shape = (operation: string) => ({ operation, input: {}, timeoutMs: 1, outputBytesMax: 1, requestId: 'r' })
const to = (agent: string) => [{ agent, epoch: 1, id: `call of ${agent}` }]

test('calls of one shape are said together, and nothing changes its place', () => {
  const [ping, load] = [shape('ping'), shape('load')]
  const end = { kind: 'end' as const, agent: 'a', reason: '', retry: true }
  expect(
    together([
      { kind: 'calls', shape: ping, to: to('a') },
      { kind: 'calls', shape: ping, to: to('b') },
      { kind: 'calls', shape: load, to: to('c') },
      end,
      { kind: 'calls', shape: load, to: to('d') },
      { kind: 'calls', shape: { ...load }, to: to('e') },
    ]),
  ).toEqual([
    { kind: 'calls', shape: ping, to: [...to('a'), ...to('b')] },
    { kind: 'calls', shape: load, to: to('c') },
    end,
    { kind: 'calls', shape: load, to: to('d') },
    { kind: 'calls', shape: load, to: to('e') },
  ])
})
