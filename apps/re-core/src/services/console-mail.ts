import { setTimeout as wait } from 'node:timers/promises'
import { newId } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { Pool } from 'pg'
import type { Cipher } from '../jobs/attempt.ts'

/** Postgres channel on which replicas of re-core hand one another what is typed into consoles. */
export const consoleChannel = 'core_console'

/** What is typed into a console by a request that came to a replica that does not have it. `data` is base64. */
export type Typed = {
  readonly console: string
  readonly system: string
  readonly subject: string
  readonly data: string
}
type Refusal = { readonly status: number; readonly kind: string; readonly title: string; readonly detail: string }
type Letter =
  { readonly ask: string; readonly sealed: string } | { readonly answer: string; readonly no: Refusal | null }

/** A notification holds 8,000 bytes, and what is sealed is a third longer twice. */
const bytesMax = 2_400
/** Nobody says that a console is nowhere: silence does. */
const answerMs = 3_000
const context = 'console'

type MailDeps = { readonly pool: Pool; readonly cipher: Cipher; readonly onError: (error: Error) => void }

/**
 * Hands what is typed to the replica that has the console, sealed, and answers once it has typed it. Costs nothing
 * where each request comes to the right one.
 */
export const makeConsoleMail = ({ pool, cipher, onError }: MailDeps) => {
  const waiting = new Map<string, (no: Refusal | null) => void>()
  const listening = Promise.withResolvers<void>()
  let type: ((typed: Typed) => Promise<boolean>) | null = null
  const send = async (letter: Letter): Promise<void> => {
    await pool.query('select pg_notify($1, $2)', [consoleChannel, JSON.stringify(letter)])
  }
  const take = async (ask: string, sealed: string): Promise<void> => {
    if (type === null || waiting.has(ask)) return
    const typed = JSON.parse(cipher.open(Buffer.from(sealed, 'base64'), context)) as Typed
    try {
      if (await type(typed)) await send({ answer: ask, no: null })
    } catch (error) {
      if (!(error instanceof HttpProblem)) throw error
      const { status, kind, title, detail } = error
      await send({ answer: ask, no: { status, kind, title, detail } })
    }
  }
  /** False when no replica has answered in time. */
  const part = async (typed: Typed): Promise<boolean> => {
    const ask = newId()
    const answered = new Promise<Refusal | null | undefined>(resolve => {
      const timer = setTimeout(() => resolve(undefined), answerMs)
      waiting.set(ask, no => {
        clearTimeout(timer)
        resolve(no)
      })
    })
    try {
      await send({ ask, sealed: cipher.seal(JSON.stringify(typed), context).toString('base64') })
      const no = await answered
      if (no === undefined) return false
      if (no !== null) throw new HttpProblem(no.status, no.kind, no.title, no.detail)
      return true
    } finally {
      waiting.delete(ask)
    }
  }
  return {
    /** The channel is listened to: answers are heard from now on. */
    onConnect: (): void => listening.resolve(),
    /** A payload of the channel. */
    onNotify: (payload: string): void => {
      const letter = JSON.parse(payload) as Letter
      if ('answer' in letter) waiting.get(letter.answer)?.(letter.no)
      else take(letter.ask, letter.sealed).catch(onError)
    },
    /** `typing` types what others hand over and answers whether the console is open here; throws HttpProblem. */
    serve: (typing: (typed: Typed) => Promise<boolean>): void => {
      type = typing
    },
    /** One part after the other. False: no replica has that console. Throws its HttpProblem. */
    hand: async (typed: Typed): Promise<boolean> => {
      await Promise.race([listening.promise, wait(answerMs, undefined, { ref: false })])
      const bytes = Buffer.from(typed.data, 'base64')
      for (let at = 0; at === 0 || at < bytes.length; at += bytesMax) {
        const data = bytes.subarray(at, at + bytesMax).toString('base64')
        if (!(await part({ ...typed, data }))) return false
      }
      return true
    },
  }
}
export type ConsoleMail = ReturnType<typeof makeConsoleMail>
