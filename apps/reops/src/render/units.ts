/** `80 ms`, `5.1 s`, `3 min 20 s`, `2 h 5 min`, `41 d`. */
export const duration = (ms: number): string => {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d`
}

/** For the last line of a run: `0.4 s`; below a tenth in ms. */
export const seconds = (ms: number): string =>
  ms >= 99.5 && ms < 59_950 ? `${(ms / 1000).toFixed(1)} s` : duration(ms)

/** `12 s ago`; `-` for never. */
export const ago = (time: string | null, nowMs: number): string =>
  time === null ? '-' : `${duration(Math.max(0, nowMs - Date.parse(time))).replace(/\.\d s$/, ' s')} ago`

/** How long ago, roughly: `12 min`, `3 h`. */
export const since = (time: string, nowMs: number): string => ago(time, nowMs).split(' ').slice(0, 2).join(' ')

export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`
export const labelsText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(' ')
