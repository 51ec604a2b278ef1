import { text } from 'node:stream/consumers'
import { errorText } from '../log.ts'
import { askHere, type EnrolOrder } from './ask.ts'

/** What stands in standard input, as JSON; the answer goes to standard output. */
export type Order = { readonly enrol: EnrolOrder } | { readonly keyset: string }

const main = async (): Promise<number> => {
  const order = JSON.parse(await text(process.stdin)) as Order
  const { signal } = new AbortController() // who asked kills us; each request has its own limit
  try {
    const answer =
      'enrol' in order ? await askHere.enrol(order.enrol, signal) : await askHere.keyset(order.keyset, signal)
    process.stdout.write(JSON.stringify(answer))
    return 0
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`)
    return 1
  }
}

void main().then(code => (process.exitCode = code))
