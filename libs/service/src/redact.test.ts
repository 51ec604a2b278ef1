import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { makeLog } from './log.ts'
import { redact, redactText } from './redact.ts'

const canary = 'canary-9d2f'
const jwt = `eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4Y2FuYXJ5In0.${'A'.repeat(40)}`

test('fields marked in the schema and fields named like a credential are hidden, others are not', () => {
  const Schema = Type.Object({
    where: Type.String({ secret: true }),
    list: Type.Array(Type.Object({ pin: Type.String({ redact: true }) })),
  })
  const value = {
    where: canary,
    list: [{ pin: canary }],
    apiToken: canary,
    nested: { password: { value: canary } },
    tokenId: 'shown',
    tokenFile: '/x',
    secretCount: 3,
  }
  const hidden = redact(value, Schema)
  expect(JSON.stringify(hidden)).not.toContain(canary)
  expect(hidden).toMatchObject({ tokenId: 'shown', tokenFile: '/x', secretCount: 3, apiToken: '[redacted]' })
})

test('texts lose tokens, keys and passwords of URLs', () => {
  const texts = [
    `postgres://user:${canary}@h/d`,
    `Authorization: Bearer ${canary}`,
    `re1.${canary.repeat(5)}.${'b'.repeat(43)}`,
    jwt,
    `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----`,
  ]
  for (const text of texts) {
    expect(redactText(`before ${text} after`)).not.toMatch(/canary|eyJ/)
    expect(redactText(`before ${text} after`)).toMatch(/^before .*after$/s)
  }
  expect(redactText('postgres://127.0.0.1:5432/db at http://a/b?c=d@e')).toBe(
    'postgres://127.0.0.1:5432/db at http://a/b?c=d@e',
  )
})

test('a canary reaches the log by no way', () => {
  const lines: string[] = []
  const log = makeLog({ service: 'test', level: 'trace', destination: { write: line => void lines.push(line) } })
  const error = Object.assign(new Error(`connecting to postgres://u:${canary}@h/d`), {
    config: { password: canary },
    request: canary,
    code: 'EX',
  })
  log.info({ password: canary, headers: { authorization: canary, cookie: canary } }, 'fields')
  log.error({ err: error }, 'error')
  log.error(error, 'bare error')
  log.warn(`text Bearer ${canary}`)
  log.child({ requestId: 'r-1' }).info({ deep: { list: [{ apiSecret: canary }] } }, `url https://me:${canary}@h`)
  const circular: Record<string, unknown> = { token: canary }
  circular['self'] = circular
  log.info({ circular }, 'circular')
  expect(lines).toHaveLength(6)
  expect(lines.join('')).not.toContain(canary)
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    level: 'error',
    service: 'test',
    err: { code: 'EX', type: 'Error' },
  })
  expect(JSON.parse(lines[4] ?? '')).toMatchObject({ requestId: 'r-1' })
})
