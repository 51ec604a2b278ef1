import { expect, test } from '@jest/globals'
import { makeDrops } from './drops.ts'
import type { Log } from './log.ts'

test('a flood of rubbish is one line at once and one at the end, and their counts are all of it', () => {
  const lines: Readonly<Record<string, unknown>>[] = []
  const nothing = () => undefined
  const warn: Log['warn'] = (_, fields = {}) => void lines.push(fields)
  const drops = makeDrops({ debug: nothing, info: nothing, error: nothing, warn }, 1_000_000)
  for (let at = 0; at < 10_000; at += 1) drops.count(`why ${at}`)
  drops.close()
  drops.close()
  expect(lines).toEqual([
    { messagesDropped: 1, why: 'why 0' },
    { messagesDropped: 9_999, why: 'why 9999' },
  ])
})
