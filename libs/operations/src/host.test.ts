import { describe, expect, test } from '@jest/globals'
import { interpret, type CallPort, type PortCall } from '@re-ops/pipelines'
import type { CallResult } from '@re-ops/protocols'
import { rebootAndWait } from './index.ts'

const before = '11111111-1111-4111-8111-111111111111'
const after = '22222222-2222-4222-8222-222222222222'
const host = { id: '0193f2a4-8f00-7000-8000-000000000001', name: 'web-1' }
const lost: CallResult = { ok: false, failure: { kind: 'lost', message: 'went down', step: 'host.boot-id' } }
const rebooting: CallResult = { ok: true, value: { changed: true, bootId: before, delaySeconds: 2 } }
const booted: CallResult = { ok: true, value: { bootId: after, bootedAt: '2026-11-25T22:00:00.000Z' } }

/** Answers in turn, and keeps what it was asked. */
const answering = (...answers: CallResult[]): { port: CallPort; asked: PortCall[] } => {
  const asked: PortCall[] = []
  const call = (_: unknown, one: PortCall) => Promise.resolve(answers[asked.push(one) - 1] ?? lost)
  return { port: { call }, asked }
}
const resultOf = async (port: CallPort) => {
  for await (const result of interpret(rebootAndWait(), [host], port, { callsMax: 1 })) return result
  throw new Error('no result')
}

describe('rebootAndWait', () => {
  test('looks again when the host goes down under the look, and ends with the next boot', async () => {
    const { port, asked } = answering(rebooting, lost, booted)
    expect(await resultOf(port)).toMatchObject({ ok: true, value: { bootId: after } })
    expect(asked.map(one => one.operation)).toEqual(['host.reboot', 'host.boot-id', 'host.boot-id'])
    expect(asked[2]?.input).toEqual({ not: before })
  })

  test('reboots once: a reboot that may have happened is not asked for again', async () => {
    const { port, asked } = answering(lost)
    expect(await resultOf(port)).toMatchObject({ ok: false, failure: { kind: 'lost' } })
    expect(asked).toHaveLength(1)
  })
})
