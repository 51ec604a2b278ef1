import { afterEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { makeLibvirt, type Libvirt } from './index.ts'
import type { ConnectOptions } from './connection.ts'
import { messageTypes, statuses } from './frame.ts'
import { keepAliveProgram, procedures } from './procedures.ts'
import { makePeer, type Peer } from './testing/peer.ts'
import { domain } from './types.ts'
import { encode, int, struct } from './xdr.ts'

const dom = { name: 'web-1', uuid: '00112233-4455-6677-8899-aabbccddeeff', id: 3 }
const opened: Libvirt[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

/** A client whose connections are the peers, one after the other. */
const clientOf = (peers: readonly Peer[], options: ConnectOptions = {}) => {
  const left = [...peers]
  const dial = async () => {
    const peer = left.shift()
    if (peer === undefined) throw new Error('nobody listens')
    return peer.stream
  }
  const client = makeLibvirt('test:///default', { dial, backOffMs: { first: 1, last: 1 }, ...options })
  opened.push(client)
  return client
}
const lifecycle = struct({ callback: int, message: struct({ dom: domain, event: int, detail: int }) })
const started = (callback: number) => ({
  procedure: 318,
  type: messageTypes.event,
  body: encode(lifecycle, { callback, message: { dom, event: 2, detail: 0 } }),
})

describe('calls', () => {
  test('each gets its own answer, in whatever order they come; three are under way at once', async () => {
    const peer = makePeer()
    const client = clientOf([peer])
    const asked = [1, 2, 3, 4].map(n => client.domains.byName(`d${n}`))
    const [a, b, c] = [await peer.next(), await peer.next(), await peer.next()]
    const answer = (to: typeof a, name: string) => peer.reply(to, procedures.domainByName, { dom: { ...dom, name } })
    answer(c, 'd3')
    answer(await peer.next(), 'd4') // sent as soon as a place was free
    answer(a, 'd1')
    answer(b, 'd2')
    expect((await Promise.all(asked)).map(one => one.name)).toEqual(['d1', 'd2', 'd3', 'd4'])
  })

  test("libvirt's refusal is typed, and the next call goes on", async () => {
    const peer = makePeer()
    const client = clientOf([peer])
    const refused = client.domains.byName('x')
    peer.refuse(await peer.next(), 42, 'Domain not found: x')
    await expect(refused).rejects.toMatchObject({
      reason: 'no-domain',
      code: 42,
      domain: 10,
      message: 'Domain not found: x',
    })
    const next = client.node.type()
    peer.reply(await peer.next(), procedures.type, { text: 'TEST' })
    expect(await next).toBe('TEST')
  })

  test("an abort and a timeout end a call; its late answer is nobody else's", async () => {
    const peer = makePeer()
    const client = clientOf([peer])
    const stop = new AbortController()
    const aborted = client.domains.byName('x', { signal: stop.signal })
    const first = await peer.next()
    stop.abort()
    await expect(aborted).rejects.toMatchObject({ reason: 'aborted', sent: true })
    await expect(client.node.type({ timeoutMs: 1 })).rejects.toMatchObject({ reason: 'timeout' })
    await expect(client.node.type({ signal: stop.signal })).rejects.toMatchObject({ reason: 'aborted', sent: false })
    peer.reply(first, procedures.domainByName, { dom })
    const next = client.node.hostname()
    for (;;) {
      const message = await peer.next()
      if (message.procedure !== procedures.hostname.number) continue
      peer.reply(message, procedures.hostname, { text: 'here' })
      break
    }
    expect(await next).toBe('here')
  })

  test('when calls that were given up hold every place, the link is made anew', async () => {
    const second = makePeer()
    const client = clientOf([makePeer(), second])
    const lost = [1, 2, 3].map(() => client.node.type({ timeoutMs: 1 }))
    for (const one of lost) await expect(one).rejects.toMatchObject({ reason: 'timeout' })
    const next = client.node.type()
    second.reply(await second.next(), procedures.type, { text: 'TEST' })
    expect(await next).toBe('TEST')
  })

  test('what no argument can carry is refused before it is sent', async () => {
    await expect(clientOf([makePeer()]).domains.byUuid('no')).rejects.toThrow('is not a UUID')
  })
})

describe('a link', () => {
  test('that is lost fails what was under way, saying whether it was sent, and is made again', async () => {
    const peers = [makePeer(), makePeer()]
    const [first, second] = peers as [Peer, Peer]
    const client = clientOf(peers)
    const calls = [1, 2, 3, 4].map(() => client.node.type())
    const settled = Promise.allSettled(calls)
    for (const _ of [1, 2, 3]) await first.next()
    first.hangUp()
    const sent = (await settled).map(one => one.status === 'rejected' && (one.reason as { sent: boolean }).sent)
    expect(sent).toEqual([true, true, true, false])
    const next = client.node.type()
    second.reply(await second.next(), procedures.type, { text: 'TEST' })
    expect(await next).toBe('TEST')
  })

  test('that cannot be made refuses, and nothing was sent', async () => {
    await expect(clientOf([]).node.type()).rejects.toMatchObject({
      reason: 'refused',
      sent: false,
      message: 'nobody listens',
    })
  })

  test('that is closed refuses', async () => {
    const client = clientOf([makePeer()])
    await client.close()
    await expect(client.node.type()).rejects.toMatchObject({ reason: 'closed', sent: false })
  })

  test('answers a sign of life, and ends without one', async () => {
    const peers = [makePeer(), makePeer()]
    const [first, second] = peers as [Peer, Peer]
    const client = clientOf(peers, { keepAlive: { intervalMs: 5, missedMax: 2 } })
    const asked = client.node.type()
    const call = await first.next()
    first.send({ ...keepAliveProgram, procedure: keepAliveProgram.ping, type: messageTypes.event })
    const { program } = keepAliveProgram
    const seen = [await first.next(), await first.next()].map(one => [one.program, one.procedure])
    expect(seen).toContainEqual([program, keepAliveProgram.pong])
    // From here on it is silent.
    await expect(asked).rejects.toMatchObject({ reason: 'lost', sent: true, message: 'no sign of life for 10 ms' })
    expect(call.procedure).toBe(procedures.type.number)
    second.hangUp()
  })

  test.each([
    ['of another program', { program: 7 }, 'a message of program 7'],
    ['to a call that was not asked', { serial: 99 }, 'an answer to call 99, which was not asked'],
    ['of a type that is none', { type: 77 }, 'a message of type 77'],
  ])('ends at a message %s', async (_name, message, why) => {
    const peer = makePeer()
    const asked = clientOf([peer]).node.type()
    await peer.next()
    peer.send(message)
    await expect(asked).rejects.toMatchObject({ reason: 'protocol', message: expect.stringContaining(why) })
  })

  test('survives hostile bytes: what is under way fails with a LinkError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 4, maxLength: 100 }), async bytes => {
        const peer = makePeer()
        const client = clientOf([peer])
        const asked = client.node.type()
        await peer.next()
        peer.write(Buffer.from(bytes))
        peer.hangUp()
        await expect(asked).rejects.toMatchObject({ name: 'LinkError', sent: true })
        await client.close()
      }),
      { numRuns: 50 },
    )
  })
})

describe('events', () => {
  test('are asked for once, given in order, and asked for again after a lost link, with a gap', async () => {
    const peers = [makePeer(), makePeer()]
    const client = clientOf(peers)
    const subscription = client.events.subscribe(['lifecycle'])
    const other = client.events.subscribe(['lifecycle'])
    const events = subscription[Symbol.asyncIterator]()
    const seen: unknown[] = []
    for (const [n, peer] of peers.entries()) {
      const asked = await peer.next()
      expect(asked.procedure).toBe(procedures.domainEventOn.number)
      peer.reply(asked, procedures.domainEventOn, { callback: n })
      if (n === 0) await Promise.all([subscription.ready, other.ready])
      peer.send(started(n))
      seen.push((await events.next()).value)
      if (n === 0) peer.hangUp()
    }
    seen.push((await events.next()).value)
    const event = { kind: 'lifecycle', what: 'started', event: 2, detail: 0, dom }
    expect(seen).toEqual(expect.arrayContaining([event, { kind: 'gap', reason: 'reconnected' }]))
    expect(seen.filter(one => (one as { kind: string }).kind === 'lifecycle')).toHaveLength(2)
  })

  test('of a reader that does not read become a gap', async () => {
    const peer = makePeer()
    const client = clientOf([peer])
    const subscription = client.events.subscribe(['lifecycle'])
    peer.reply(await peer.next(), procedures.domainEventOn, { callback: 0 })
    await subscription.ready
    for (let n = 0; n < 1_001; n += 1) peer.send(started(0))
    const seen: string[] = []
    // The answer to this call comes after all of them.
    const after = client.node.type()
    peer.reply(await peer.next(), procedures.type, { text: 'TEST' })
    await after
    for await (const event of subscription) {
      seen.push(event.kind)
      if (seen.length === 2) break
    }
    expect(seen).toEqual(['gap', 'lifecycle'])
  })

  test('that libvirt does not know end the iteration with its error', async () => {
    const peer = makePeer()
    const subscription = clientOf([peer]).events.subscribe(['pool'])
    peer.refuse(await peer.next(), 3, 'not supported')
    await expect(subscription.ready).rejects.toMatchObject({ reason: 'no-support' })
    const read = async () => {
      for await (const event of subscription) throw new Error(`an event: ${event.kind}`)
    }
    await expect(read()).rejects.toMatchObject({ reason: 'no-support' })
  })
})

describe('a stream', () => {
  test('that is small comes whole though all of it arrives at once', async () => {
    const own = makePeer()
    const client = clientOf([own])
    const opening = client.volumes.download({ pool: 'p', name: 'v', key: '' })
    const call = await own.next()
    const { procedure, serial } = call
    const data = { procedure, serial, type: messageTypes.stream, status: statuses.continue }
    own.reply(call, procedures.volumeDownload, undefined)
    own.send({ ...data, body: Buffer.from('hello ') })
    own.send({ ...data, body: Buffer.from('world') })
    own.send(data)
    const confirm = await own.next()
    expect([confirm.type, confirm.status, confirm.serial]).toEqual([messageTypes.stream, statuses.ok, serial])
    own.send({ ...data, status: statuses.ok })
    let text = ''
    for await (const bytes of await opening) text += (bytes as Buffer).toString()
    expect(text).toBe('hello world')
  })

  test('of an upload has finished when libvirt confirms it, and fails when it says so', async () => {
    for (const isRefused of [false, true]) {
      const peer = makePeer()
      const opening = clientOf([peer]).volumes.upload({ pool: 'p', name: 'v', key: '' })
      const call = await peer.next()
      const { procedure, serial } = call
      peer.reply(call, procedures.volumeUpload, undefined)
      const stream = await opening
      const ended = new Promise<Error | null>(resolve => {
        stream.once('error', resolve).once('finish', () => resolve(null))
      })
      stream.end(Buffer.alloc(600_000, 7))
      const pieces = [await peer.next(), await peer.next(), await peer.next()]
      expect(pieces.map(one => one.body.length)).toEqual([262_120, 262_120, 75_760])
      expect((await peer.next()).status).toBe(statuses.ok)
      if (isRefused) peer.refuse(call, 38, 'no space left')
      else peer.send({ procedure, serial, type: messageTypes.stream })
      expect((await ended)?.message ?? null).toBe(isRefused ? 'no space left' : null)
    }
  })
})
