import { isClientError, type ConsoleEvent, type Core } from '@re-ops/client'
import type { ConsoleOpen } from '@re-ops/protocols'
import type { Context } from '../context.ts'
import { Fault } from '../fault.ts'

export type ConsoleOptions = { readonly force?: boolean }

/** Ctrl-]: leaves, as in telnet and virsh. */
const leaveKey = 0x1d
const pendingBytesMax = 1_048_576

/** Types in the order of the keys, one request after the other: what is typed meanwhile goes together. */
const makeTyping = (core: Core, system: string, onError: (error: unknown) => void) => {
  let id: string | null = null
  let waiting: Uint8Array[] = []
  let isBusy = false
  const flush = async (): Promise<void> => {
    if (isBusy || id === null || waiting.length === 0) return
    isBusy = true
    const bytes = Buffer.concat(waiting)
    waiting = []
    await core.typeInConsole(system, id, bytes).catch(onError)
    isBusy = false
    await flush()
  }
  return {
    opened: (newest: string) => {
      id = newest
      void flush()
    },
    put: (bytes: Uint8Array) => {
      const held = waiting.reduce((sum, one) => sum + one.length, 0)
      if (held + bytes.length <= pendingBytesMax) waiting.push(bytes)
      void flush()
    },
  }
}

const said: Readonly<Record<ConsoleOpen['kind'], string>> = {
  stream: 'its console; Ctrl-] leaves',
  output: 'what its console has said so far',
  log: 'the log of its agent; Ctrl-C leaves',
}

/** Follows a machine's console and types into it, until it ends or one leaves. */
export const openConsole = async (context: Context, word: string, { force }: ConsoleOptions): Promise<number> => {
  const { core } = await context.client()
  const { terminal } = context
  const system = await core.system(word)
  const leave = new AbortController()
  const state: { failed: unknown; release: () => void } = { failed: null, release: () => undefined }
  const typing = makeTyping(core, system.id, error => {
    state.failed = error
    leave.abort()
  })
  const onKeys = (bytes: Uint8Array): void => {
    const at = bytes.indexOf(leaveKey)
    if (at !== 0) typing.put(at < 0 ? bytes : bytes.subarray(0, at))
    if (at >= 0) leave.abort()
  }
  let opened: ConsoleOpen | null = null
  const take = async (one: ConsoleEvent): Promise<void> => {
    if (one.event === 'data') return terminal.write(one.data)
    if (one.event === 'end') {
      if (one.data.why !== null) state.failed = new Fault(1, `${system.name}: its console broke off: ${one.data.why}`)
      return
    }
    if (opened === null) {
      terminal.error(`${system.name}: ${said[one.data.kind]}`)
      state.release = one.data.input ? terminal.keys(onKeys) : context.interruptible(() => leave.abort())
    }
    opened = one.data
    typing.opened(one.data.id)
  }
  try {
    const asked = force === true ? { force } : {}
    for await (const one of core.console(system.id, { ...asked, signal: leave.signal })) await take(one)
  } catch (error) {
    if (!leave.signal.aborted) throw error
  } finally {
    state.release()
  }
  if (state.failed !== null && !isClientError(state.failed, 'problem')) throw state.failed
  terminal.error(`\r\n${system.name}: ${leave.signal.aborted ? 'left' : 'its console has ended'}`)
  return 0
}
