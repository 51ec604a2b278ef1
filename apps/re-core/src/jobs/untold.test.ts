import { expect, test } from '@jest/globals'
import { ProviderError, type CreateRequest } from '@re-ops/protocols'
import { untold } from './untold.ts'

const userData = '#cloud-config\n# canary-of-user-data-Hn4tRs\nwrite_files: []\n'
const request = (body: object) => ({ identity: {}, body }) as unknown as CreateRequest
const refusal = (message: string) =>
  new ProviderError('invalid', 'not-applied', message, { code: '422', retryAfterMs: 5 })

test.each([
  ['a line of it', `user_data is bad: # canary-of-user-data-Hn4tRs (line 2)`, { user_data: userData }],
  ['all of it', `user_data is bad: ${JSON.stringify(userData)}`, { user_data: userData }],
  [
    'it in base64',
    `bad: ${Buffer.from(userData).toString('base64')}`,
    { UserData: Buffer.from(userData).toString('base64') },
  ],
  ['its text where base64 was sent', `bad: ${userData}`, { UserData: Buffer.from(userData).toString('base64') }],
])('a refusal that repeats %s is told without it', (_what, message, body) => {
  const told = untold(refusal(message), request(body)) as ProviderError
  expect(told).toMatchObject({ kind: 'invalid', outcome: 'not-applied', code: '422', retryAfterMs: 5 })
  expect(told.message).toMatch(/bad: .*\[redacted\]/s)
  for (const secret of ['canary-of', Buffer.from('canary-of').toString('base64').slice(2, -2)])
    expect(told.message).not.toContain(secret)
  expect((untold(new Error(message), request(body)) as Error).message).toBe(told.message)
})

test('any other is as it was', () => {
  const error = refusal('the size is not available')
  expect(untold(error, request({ user_data: userData }))).toBe(error)
  expect(untold(error, request({}))).toBe(error)
  expect(untold('no error', request({ user_data: userData }))).toBe('no error')
})
