export type Answer = { readonly status: number; readonly retryAfterMs: number | null; readonly body: unknown }

const timeoutMs = 10_000
const answerBytesMax = 262_144

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null // not ours; the caller checks the shape
  }
}

/** One JSON request. Throws when nobody answers in time or too much comes. Only the module that is needed is loaded. */
export const requestJson = (url: string, signal: AbortSignal, body?: unknown): Promise<Answer> => {
  const { request } = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http')
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      headers: { accept: 'application/json', connection: 'close', ...headers },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    }
    const sent = request(url, options, response => {
      let received = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        received += chunk
        if (received.length > answerBytesMax) response.destroy(new Error(`more than ${answerBytesMax} bytes`))
      })
      response.on('error', reject)
      response.on('end', () => {
        const after = Number(response.headers['retry-after'])
        const retryAfterMs = Number.isFinite(after) && after > 0 ? Math.min(after * 1000, 60_000) : null
        resolve({ status: response.statusCode ?? 0, retryAfterMs, body: json(received) })
      })
    })
    sent.on('error', reject)
    sent.end(text)
  })
}
