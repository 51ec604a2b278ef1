import { authorized, refused, unreachable, urlOf, type Service } from './http.ts'
import { ClientError } from './error.ts'

export type OutputOptions = {
  readonly stream?: 'stdout' | 'stderr'
  /** Bytes to leave out. */
  readonly at?: number
  /** Wait for what is not written yet, to the end of the process. Default true. */
  readonly follow?: boolean
  readonly signal?: AbortSignal
}
/** `end` is there when nothing follows these bytes: `whole`, or `cut` at the limit of what is kept. */
export type Output = { readonly bytes: AsyncIterable<Uint8Array>; readonly end: string | undefined }

/** One connection; throws ClientError when it cannot be opened, and when it breaks. */
export const readOutput = async (
  service: Service,
  { run, host }: { readonly run: string; readonly host: string },
  { stream = 'stdout', at = 0, follow = true, signal }: OutputOptions,
): Promise<Output> => {
  const query = new URLSearchParams({ stream, at: String(at), follow: String(follow) })
  const url = urlOf(
    service,
    `/v1/runs/${encodeURIComponent(run)}/output/${encodeURIComponent(host)}?${query.toString()}`,
  )
  const broken = (error: unknown) => {
    signal?.throwIfAborted()
    return error instanceof ClientError ? error : unreachable(service, error)
  }
  try {
    const response = await service.fetch(url, { headers: await authorized(service), ...(signal ? { signal } : {}) })
    if (!response.ok) throw refused(service, url, response.status, await response.text())
    const body = (response.body ?? []) as AsyncIterable<Uint8Array>
    return { bytes: checked(body, broken), end: response.headers.get('x-output-end') ?? undefined }
  } catch (error) {
    throw broken(error)
  }
}

async function* checked(bytes: AsyncIterable<Uint8Array>, broken: (error: unknown) => unknown) {
  try {
    yield* bytes
  } catch (error) {
    throw broken(error)
  }
}
