import type { Outputs } from './outputs.ts'

/** Of both streams together in a result, escaped as JSON; below what a message may have, for what is around them. */
const escapedBytesMax = 900_000

/** How many bytes a value takes as JSON. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '')

/** Cuts a text so that it takes at most that many bytes as JSON, where a control character takes six. */
export const fit = (text: string, bytesMax: number): string => {
  let kept = text
  for (let size = jsonBytes(kept); size > bytesMax; size = jsonBytes(kept))
    kept = kept.slice(0, Math.floor(kept.length * (bytesMax / size) * 0.99))
  return kept
}

type Written = { readonly stdout: string; readonly stderr: string; readonly truncated: boolean }
/** As much of what a process wrote as a result takes. Ends its outputs; `outputRef` when there is more and it is kept. */
export const fitted = async (
  outputs: Pick<Outputs, 'end'>,
  call: string,
  written: Written,
): Promise<Written & { readonly outputRef?: string }> => {
  const [stdout, stderr] = [fit(written.stdout, escapedBytesMax / 2), fit(written.stderr, escapedBytesMax / 2)]
  const isCut = stdout.length < written.stdout.length || stderr.length < written.stderr.length
  const truncated = written.truncated || isCut
  const isKept = await outputs.end(call, truncated)
  return { stdout, stderr, truncated, ...(isKept ? { outputRef: call } : {}) }
}
