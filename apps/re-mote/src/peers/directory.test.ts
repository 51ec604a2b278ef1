import { expect, test } from '@jest/globals'
import { makeDirectory } from './directory.ts'

const [agent, other] = ['agent', 'other']

test('of two sessions of an agent the later one counts, in whatever order they are told', () => {
  const directory = makeDirectory()
  expect(directory.begin('b', agent, 4)).toBe(true)
  expect(directory.begin('c', agent, 3)).toBe(false)
  expect([directory.epochOf(agent), directory.peerOf(agent, 4), directory.peerOf(agent, 3)]).toEqual([
    4,
    'b',
    undefined,
  ])
  expect(directory.end(agent, 3)).toBe(false)
  expect(directory.begin('c', agent, 5)).toBe(true)
  expect(directory.end(agent, 4)).toBe(false)
  expect(directory.peerOf(agent, 5)).toBe('c')
})

test('agents of a broker that is gone are on their way back for a while, or until they have a session', () => {
  const at = { ms: 0 }
  const directory = makeDirectory(() => at.ms)
  directory.begin('b', agent, 1)
  directory.begin('b', other, 1)
  expect(directory.drop('b').toSorted()).toEqual([agent, other])
  expect([directory.epochOf(agent), directory.isReturning(agent), directory.isReturning(other)]).toEqual([
    undefined,
    true,
    true,
  ])
  directory.begin('c', agent, 2)
  expect(directory.isReturning(agent)).toBe(false)
  at.ms = 12_000
  expect([directory.isReturning(other), directory.size]).toEqual([false, 1])
})
