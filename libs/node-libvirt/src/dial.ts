import { spawn } from 'node:child_process'
import { createConnection } from 'node:net'
import { Duplex } from 'node:stream'
import { LinkError } from './errors.ts'
import type { Target } from './uri.ts'

/** Makes one byte stream to a libvirtd; rejects with LinkError `refused`. */
export type Dial = (signal: AbortSignal) => Promise<Duplex>

const refused = (what: string, error: Error) => new LinkError('refused', false, `${what}: ${error.message}`)

const dialUnix =
  (path: string): Dial =>
  signal =>
    new Promise((resolve, reject) => {
      const socket = createConnection({ path })
      // The signal is for connecting; what comes after lives on.
      const onAbort = () => socket.destroy(new Error('no connection in time'))
      signal.addEventListener('abort', onAbort)
      const onError = (error: Error) => {
        signal.removeEventListener('abort', onAbort)
        reject(refused(path, error))
      }
      socket.once('error', onError)
      socket.once('connect', () => {
        signal.removeEventListener('abort', onAbort)
        socket.off('error', onError)
        resolve(socket)
      })
    })

const stderrBytesMax = 2_000
/** virt-ssh-helper is libvirt's own (since 6.8): it joins its standard streams to the daemon's socket. */
const dialSsh =
  (driver: string, { host, user, port, keyFile, command }: Extract<Target['via'], { kind: 'ssh' }>): Dial =>
  async () => {
    const destination = user === null ? host : `${user}@${host}`
    const options = [...(port === null ? [] : ['-p', String(port)]), ...(keyFile === null ? [] : ['-i', keyFile])]
    // Never a question: there is nobody to answer it. The remote shell sees the URI as one quoted word.
    const quoted = `'${driver.replaceAll("'", String.raw`'\''`)}'`
    const args = ['-T', '-e', 'none', '-o', 'BatchMode=yes', ...options, '--', destination, 'virt-ssh-helper', quoted]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-stderrBytesMax)))
    const stream = new Duplex({
      read: () => void child.stdout.resume(),
      write: (chunk, _encoding, done) => void child.stdin.write(chunk, done),
      final: done => void child.stdin.end(done),
      destroy: (error, done) => {
        child.kill()
        done(error)
      },
    })
    child.stdin.on('error', () => undefined) // told by what the child says as it ends
    child.stdout.on('data', (chunk: Buffer) => {
      if (!stream.push(chunk)) child.stdout.pause()
    })
    const end = (why: string) => stream.destroy(new LinkError('lost', true, `${command} ${destination}: ${why}`))
    child.once('error', error => end(error.message))
    // After close, so that all it said on stderr is there.
    child.once('close', (code, name) => end(said.trim() || `ended with ${name ?? code}`))
    const pipes = [child, child.stdin, child.stdout, child.stderr] as unknown as readonly { unref(): void }[]
    return Object.assign(stream, { unref: () => pipes.forEach(one => one.unref()) })
  }

export const dialOf = ({ driver, via }: Target): Dial =>
  via.kind === 'unix' ? dialUnix(via.path) : dialSsh(driver, via)
