import { expect, test } from '@jest/globals'
import { findIn } from './forms.ts'

const secret = 'canary/of+a=\'secret"-Zq8'
test.each([
  ['as it is', `it was ${secret}.`],
  ['in base64, whatever stands around it', Buffer.from(`a:${secret} and more`).toString('base64')],
  ['in base64 of URLs', Buffer.from(`ab:${secret}?`).toString('base64url')],
  ['in hex', Buffer.from(secret).toString('hex')],
  ['in a shell', `printf %s '${secret.replaceAll("'", String.raw`'\''`)}' | cat`],
  ['in JSON in a shell', JSON.stringify(`echo '${secret.replaceAll("'", String.raw`'\''`)}'`)],
  ['in a URL', `/v1?token=${encodeURIComponent(secret)}`],
])('a secret is found %s', (_what, text) => {
  expect(findIn(text, { it: secret })).not.toEqual([])
  expect(findIn(text, { it: secret }).join('')).not.toContain(secret)
})

test('a text without it has none', () => {
  expect(findIn('canary of another kind', { it: secret })).toEqual([])
})
