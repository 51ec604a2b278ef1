import { randomBytes, randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { fit, jsonBytes } from './fit.ts'
import { makeOutputs, type Outputs, type StreamName } from './outputs.ts'
import { openSpool } from './spool.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 're-ops-outputs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const limits = { bytesMax: 100_000, streamBytesMax: 40_000 }
const never = new AbortController().signal
const spoolIn = (name: string, some: Partial<typeof limits> = {}) =>
  openSpool({ folder: join(folder, name), ...limits, ...some })

/** Reads a stream to its end in pieces of that size. */
const readAll = async (outputs: Outputs, call: string, stream: StreamName, piece = 1_000) => {
  const parts: Uint8Array[] = []
  for (let at = 0; ;) {
    const { bytes, end } = await outputs.next(call, stream, at, piece, never)
    parts.push(bytes)
    at += bytes.length
    if (end !== undefined) return { bytes: Buffer.concat(parts), end }
  }
}

describe('a stream read while it grows, and afterwards', () => {
  test('is what was written, in whatever pieces it is written and read', async () => {
    const outputs = makeOutputs(() => spoolIn('any'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: 1, max: 900 }),
        async (chunks, bytesMax, piece) => {
          const call = randomUUID()
          const { stdout, stderr } = outputs.begin(call, bytesMax)
          const reading = readAll(outputs, call, 'stdout', piece)
          for (const chunk of chunks) await stdout.put(chunk)
          stdout.end()
          stderr.end()
          const whole = Buffer.concat(chunks)
          expect(await reading).toEqual({ bytes: whole, end: 'whole' })
          expect(stdout.truncated).toBe(whole.length > bytesMax)
          const isKept = await outputs.end(call)
          expect(isKept).toBe(whole.length > bytesMax)
          if (isKept) expect(await readAll(outputs, call, 'stdout', piece)).toEqual({ bytes: whole, end: 'whole' })
        },
      ),
      { numRuns: 60 },
    )
    outputs.close()
  })

  test('the result has its beginning, cut between characters', async () => {
    const outputs = makeOutputs(() => spoolIn('text'))
    const { stdout, stderr } = outputs.begin(randomUUID(), 4)
    await stdout.put(Buffer.from('aéé'))
    await stderr.put(Buffer.from('four'))
    expect([stdout.text(), stdout.truncated, stderr.text(), stderr.truncated]).toEqual(['aé', true, 'four', false])
    outputs.close()
  })

  test('what nobody kept is gone, and a reader that leaves gets nothing', async () => {
    const outputs = makeOutputs(() => spoolIn('gone'))
    expect(await outputs.next(randomUUID(), 'stdout', 0, 10, never)).toEqual({ bytes: new Uint8Array(), end: 'gone' })
    const call = randomUUID()
    outputs.begin(call, 10)
    const leaving = new AbortController()
    const waiting = outputs.next(call, 'stdout', 0, 10, leaving.signal)
    leaving.abort()
    expect(await waiting).toEqual({ bytes: new Uint8Array() })
    outputs.close()
  })
})

describe('the spool', () => {
  const put = async (outputs: Outputs, bytes: Uint8Array) => {
    const call = randomUUID()
    const { stdout, stderr } = outputs.begin(call, 100)
    for (let at = 0; at < bytes.length; at += 5_000) await stdout.put(bytes.subarray(at, at + 5_000))
    stdout.end()
    stderr.end()
    await outputs.end(call)
    return call
  }
  test('cuts one stream at its limit and says so', async () => {
    const outputs = makeOutputs(() => spoolIn('cut'))
    const bytes = randomBytes(50_000)
    const call = await put(outputs, bytes)
    expect(await readAll(outputs, call, 'stdout')).toEqual({ bytes: bytes.subarray(0, 40_000), end: 'cut' })
    expect(await readAll(outputs, call, 'stderr')).toEqual({ bytes: Buffer.alloc(0), end: 'whole' })
  })

  test('forgets the oldest for the newest and never holds more than its limit', async () => {
    const outputs = makeOutputs(() => spoolIn('full'))
    const calls: string[] = []
    for (let n = 0; n < 5; n += 1) calls.push(await put(outputs, randomBytes(30_000)))
    const ends = await Promise.all(calls.map(async call => (await readAll(outputs, call, 'stdout')).end))
    expect(ends).toEqual(['gone', 'gone', 'whole', 'whole', 'whole'])
    expect(readdirSync(join(folder, 'full')).filter(name => name.includes('stdout'))).toHaveLength(3)
  })

  test('is found again by the next process; what was not finished counts as cut', async () => {
    const first = makeOutputs(() => spoolIn('again'))
    const bytes = randomBytes(10_000)
    const call = await put(first, bytes)
    const unfinished = randomUUID()
    const { stdout } = first.begin(unfinished, 10)
    await stdout.put(bytes.subarray(0, 500))
    const next = makeOutputs(() => spoolIn('again'))
    expect(await readAll(next, call, 'stdout')).toEqual({ bytes, end: 'whole' })
    expect(await readAll(next, unfinished, 'stdout')).toEqual({ bytes: bytes.subarray(0, 500), end: 'cut' })
  })

  test('is not made while no output is long', async () => {
    const outputs = makeOutputs(() => spoolIn('none'))
    const { stdout } = outputs.begin(randomUUID(), 100)
    await stdout.put(Buffer.from('short'))
    expect(existsSync(join(folder, 'none'))).toBe(false)
    outputs.close()
  })
})

test('a text that is cut is the beginning of what it was, and takes no more as JSON than it may', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.integer({ min: 2, max: 500 }), (text, bytesMax) => {
      const kept = fit(text, bytesMax)
      expect(text.startsWith(kept)).toBe(true)
      expect(jsonBytes(kept)).toBeLessThanOrEqual(bytesMax)
      if (jsonBytes(text) <= bytesMax) expect(kept).toBe(text)
    }),
  )
})
