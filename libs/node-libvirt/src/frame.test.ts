import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { encodeMessage, FrameError, makeSplitter, messageBytesMax, type Message } from './frame.ts'

const word = fc.nat({ max: 0x7fff_ffff })
const message: fc.Arbitrary<Message> = fc.record({
  program: word,
  version: word,
  procedure: word,
  type: word,
  serial: word,
  status: word,
  body: fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
})

/** The bytes cut at those places. */
const chunks = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map(cut => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end))
}

test('messages come out as they went in, however their bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 30 }), (messages, cuts) => {
      const split = makeSplitter()
      const found = chunks(Buffer.concat(messages.map(encodeMessage)), cuts).flatMap(split)
      expect(found.map(one => ({ ...one, body: one.body.toString('hex') }))).toEqual(
        messages.map(one => ({ ...one, body: one.body.toString('hex') })),
      )
    }),
  )
})

test('hostile bytes give messages or a FrameError, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
      const split = makeSplitter()
      try {
        chunks(Buffer.from(bytes), cuts).flatMap(split)
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError)
      }
    }),
    { numRuns: 500 },
  )
})

test.each([0, 27, messageBytesMax + 1, 0xffff_ffff])('a length of %d is refused with its first word', length => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  expect(() => makeSplitter()(bytes)).toThrow(`a message of ${length} bytes; allowed are 28 to ${messageBytesMax}`)
})

test('a body that no message can carry is refused', () => {
  const one = { program: 1, version: 1, procedure: 1, type: 0, serial: 1, status: 0 }
  expect(() => encodeMessage({ ...one, body: Buffer.alloc(messageBytesMax) })).toThrow(FrameError)
})
