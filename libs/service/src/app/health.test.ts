import { expect, test } from '@jest/globals'
import fastify from 'fastify'
import { addHealth } from './health.ts'

test('a flood of questions is one to each dependency, and the next one asks again', async () => {
  const app = fastify()
  let asked = 0
  let gate = Promise.withResolvers<void>()
  addHealth(app, { name: 'test', version: '1' }, { postgres: () => ((asked += 1), gate.promise) })
  const flood = () => Array.from({ length: 200 }, () => app.inject('/ready'))

  const first = flood()
  await app.inject('/health') // behind them: all have arrived
  gate.resolve()
  expect(new Set((await Promise.all(first)).map(one => one.statusCode))).toEqual(new Set([200]))
  expect(asked).toBe(1)

  gate = Promise.withResolvers()
  const second = flood()
  await app.inject('/health')
  gate.reject(new Error('it is away'))
  for (const { statusCode, json } of await Promise.all(second))
    expect([statusCode, json()]).toEqual([503, { ready: false, checks: { postgres: 'it is away' } }])
  expect(asked).toBe(2)
  await app.close()
})
