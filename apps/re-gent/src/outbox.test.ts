import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { fromAgent, newId, type FromAgent } from '@re-ops/protocols'
import { openJournal } from './journal.ts'
import { makeLog } from './log.ts'
import { makeOutbox, type Outbox } from './outbox.ts'
import { recoverCalls } from './recover.ts'
import { openRing } from './ring.ts'
import { temporaryFolder } from './testing/process.ts'

const token = 't'.repeat(43)
const result = (id: string) => ({ id, ms: 1, result: { ok: true as const, value: { pong: true } } })
const openRingIn = (folder: string) =>
  openRing({ folder, bytesMax: 1_000_000, settled: () => false, beforeRemove: () => undefined })

/** Everything that waits, as the broker reads it. */
const drain = (outbox: Outbox): FromAgent[] => {
  const said: FromAgent[] = []
  for (let frame = outbox.next(token); frame; frame = outbox.next(token)) {
    const message = fromAgent.decode(Buffer.from(frame))
    if (message.kind === 'malformed') throw new Error(message.why)
    said.push(message)
  }
  return said
}

test('a result goes out as it is on disk, with its acknowledgement when that was not said, in one session only', async () => {
  const folder = temporaryFolder()
  const ring = openRingIn(folder.path)
  const outbox = makeOutbox(ring)
  const [quick, slow] = [newId(), newId()]
  try {
    outbox.open(() => undefined)
    for (const id of [quick, slow]) await ring.put(result(id), 0, false)
    outbox.result(quick, true)
    outbox.result(slow)
    outbox.control({ kind: 'call.acked', body: { id: slow, running: true } })
    expect(drain(outbox)).toEqual([
      { kind: 'call.acked', token, body: { id: slow, running: true } },
      { kind: 'call.result', token, body: { ...result(quick), acked: true } },
      { kind: 'call.result', token, body: result(slow) },
    ])
    outbox.open(() => undefined) // the next session: what is not settled goes out again
    expect(drain(outbox).map(({ body }) => body)).toEqual([result(quick), result(slow)])
    ring.drop(quick)
    outbox.open(() => undefined)
    expect(drain(outbox).map(({ body }) => body)).toEqual([result(slow)])
  } finally {
    ring.close()
    folder.remove()
  }
})

test('a result whose last line died with the agent is the truth: it ended, before the new boot, and is not lost', async () => {
  const folder = temporaryFolder()
  const [inJournal, inRing] = [join(folder.path, 'journal'), join(folder.path, 'ring')]
  mkdirSync(inRing)
  const [ended, died] = [newId(), newId()]
  const open = () => ({
    journal: openJournal({ folder: inJournal, segmentBytesMax: 1_000_000, keep: true }),
    ring: openRingIn(inRing),
  })
  try {
    const first = open()
    for (const id of [ended, died]) first.journal.append({ t: 'start', id, op: 'ping', at: 1 })
    await first.ring.put(result(ended), 0, false)
    first.journal.appendLazily({ t: 'end', id: ended, state: 'ok' })
    first.journal.close()
    first.ring.close()
    const second = open()
    await recoverCalls({ ...second, log: makeLog('fatal'), boot: newId(), isNative: () => true })
    expect(second.ring.get(ended)).toEqual(result(ended))
    expect(second.ring.get(died)?.result).toMatchObject({ ok: false, failure: { kind: 'lost' } })
    const lines = readdirSync(inJournal).flatMap(name => readFileSync(join(inJournal, name), 'utf8').trim().split('\n'))
    const told = lines.map(line => JSON.parse(line) as { t: string; id?: string })
    expect(told.map(({ t, id }) => (id === undefined ? t : `${t} ${id === ended ? 'ended' : 'died'}`))).toEqual([
      'counter',
      'start ended',
      'start died',
      'end ended',
      'boot',
      'lost died',
    ])
    second.journal.close()
    second.ring.close()
  } finally {
    folder.remove()
  }
})
