import { connect } from 'node:net'
import { ProviderError } from '@re-ops/protocols'
import type { Machine } from './settings.ts'

/** `raw`: in the network's words. */
export type Look = { readonly is: 'on' | 'off' | 'unknown'; readonly raw: string }

/** What a machine that is off looks like from its network; any other failure is of ours. */
const offCodes: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'EHOSTDOWN', 'ETIMEDOUT'])

/** On is who shows the banner of an sshd within that time, and nothing else. */
export const look = ({ address, port }: Machine, withinMs: number, signal: AbortSignal): Promise<Look> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port })
    const settle = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.destroy()
    }
    const end = (is: Look['is'], raw: string) => {
      settle()
      resolve({ is, raw })
    }
    const abort = () => {
      settle()
      reject(new ProviderError('transient', 'not-applied', 'the look was given up at its deadline'))
    }
    const timer = setTimeout(() => end('off', `no answer at port ${port} within ${withinMs} ms`), withinMs)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) return abort()
    let said = ''
    socket.on('data', chunk => {
      said += chunk.toString('latin1')
      if (said.startsWith('SSH-')) return end('on', 'sshd answers')
      if (said.length >= 4) end('unknown', `what answers at port ${port} is no sshd`)
    })
    socket.on('error', ({ code = 'error' }: NodeJS.ErrnoException) =>
      end(offCodes.has(code) ? 'off' : 'unknown', `${code} at ${address} port ${port}`),
    )
    socket.on('close', () => end('off', `port ${port} closes at once`))
  })
