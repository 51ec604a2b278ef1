import { expect, test } from '@jest/globals'
import { addressOf, asProvided, asTold, changedAddresses } from './addresses.ts'

const from = (
  addresses: readonly { address: string; scope: 'public' | 'private' }[],
  power: 'running' | 'stopped' = 'running',
) => ({ addresses, power })

test('the provider’s addresses and the agent’s are kept apart and each is shown once', () => {
  const provided = asProvided([], from([{ address: '10.0.0.7', scope: 'private' }]))
  const told = asTold(provided, ['10.0.0.7', '198.51.100.9', '192.168.3.4'], {})
  expect(told).toEqual([
    { address: '10.0.0.7', scope: 'private', from: 'provider' },
    { address: '198.51.100.9', scope: 'public', from: 'agent' },
    { address: '192.168.3.4', scope: 'private', from: 'agent' },
  ])
  expect(addressOf(told)).toBe('10.0.0.7')
  const moved = asProvided(
    told,
    from([
      { address: '10.0.0.8', scope: 'private' },
      { address: '203.0.113.5', scope: 'public' },
    ]),
  )
  expect(moved.map(one => one.address)).toEqual(['10.0.0.8', '203.0.113.5', '198.51.100.9', '192.168.3.4'])
  expect(addressOf(moved)).toBe('203.0.113.5')
  expect(asProvided(moved, from([], 'stopped'))).toEqual([])
})

test('what is only seen from inside a network that lets nobody in is no address to reach it by', () => {
  const told = asTold([], ['10.0.2.15'], { network: 'outbound' })
  expect(told).toEqual([{ address: '10.0.2.15', scope: 'inside', from: 'agent' }])
  expect(addressOf(told)).toBeNull()
})

test('nothing is written when nothing changed, however the row keeps its fields', () => {
  const known = asTold([], ['10.0.0.7'], {})
  const asRead = JSON.parse('[{"from":"agent","scope":"private","address":"10.0.0.7"}]') as typeof known
  expect(changedAddresses(asRead, known)).toEqual({})
  expect(changedAddresses(asRead, [])).toEqual({ addresses: [] })
})
