import { createHash } from 'node:crypto'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ImageError } from './fault.ts'

/** An image that brings its own kernel, as an account's settings name it. */
export type PlainImage = { readonly path: string; readonly format: 'qcow2' | 'raw'; readonly title: string }

const bytesMax = 64 * 2 ** 30
const tellEveryMs = 2_000

/** By its first bytes: `QFI\\xfb` is a qcow2; anything else that could be started is raw. */
export const givenImage = async (path: string): Promise<PlainImage> => {
  if (!existsSync(path)) throw new ImageError(`there is no ${path}; allowed: fast, debian, a path, an http(s) URL`)
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    if (bytesRead < 512) throw new ImageError(`${path} is no disk image: it has ${bytesRead} bytes`)
    const format = buffer.subarray(0, 4).equals(Buffer.from('QFI\u00fb', 'latin1')) ? 'qcow2' : 'raw'
    if (format === 'raw' && buffer.readUInt16LE(510) !== 0xaa55)
      throw new ImageError(`${path} is neither a qcow2 nor a disk with a boot sector`)
    return { path: resolve(path), format, title: basename(path) }
  } finally {
    await file.close()
  }
}

const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')

export type FetchWish = {
  readonly what: string
  readonly out?: string
  readonly folder: string
  readonly sha256?: string
  readonly onLine: (line: string) => void
}

/** Fetches what a person named, and keeps it only when it is what they said it is. */
export const fetchImage = async ({ what, out, folder, sha256, onLine }: FetchWish): Promise<PlainImage> => {
  if (sha256 === undefined || !/^[0-9a-f]{64}$/i.test(sha256))
    throw new ImageError('--sha256 is required with a URL: 64 hex digits, from where the image is published')
  const path = out ?? join(folder, basename(new URL(what).pathname))
  if (existsSync(path) && (await digestOf(path)) === sha256.toLowerCase()) {
    onLine(`${path} is there already`)
    return givenImage(path)
  }
  await mkdir(dirname(path), { recursive: true })
  const reply = await fetch(what).catch((error: Error & { cause?: { code?: string } }) => {
    throw new ImageError(`${what} is not reached: ${error.cause?.code ?? error.message}`)
  })
  if (!reply.ok || reply.body === null) throw new ImageError(`${what} answers ${reply.status}`)
  const fresh = `${path}.new`
  try {
    const found = await save(reply.body, fresh, Number(reply.headers.get('content-length') ?? 0), onLine)
    if (found !== sha256.toLowerCase())
      throw new ImageError(`${what} has SHA-256 ${found}, not ${sha256}; it is not kept`)
    await rename(fresh, path)
  } finally {
    await rm(fresh, { force: true })
  }
  return givenImage(path)
}

/** Answers the SHA-256 of what was written. */
const save = async (
  body: NonNullable<Response['body']>,
  path: string,
  total: number,
  onLine: (line: string) => void,
): Promise<string> => {
  const hash = createHash('sha256')
  let bytes = 0
  let toldAt = performance.now()
  const watch = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk)
      bytes += chunk.length
      if (bytes > bytesMax) return done(new ImageError(`it has more than ${bytesMax / 2 ** 30} GiB`))
      if (performance.now() - toldAt > tellEveryMs) {
        toldAt = performance.now()
        onLine(`${Math.round(bytes / 2 ** 20)} MiB${total > 0 ? ` of ${Math.round(total / 2 ** 20)}` : ''}`)
      }
      done(null, chunk)
    },
  })
  await pipeline(Readable.fromWeb(body), watch, createWriteStream(path))
  return hash.digest('hex')
}
