/** How values are written for people, in the cells of tables. */
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `3.1 GiB`, `22 GiB`, `512 B`: two digits or more, powers of 1024. */
export const bytes = (value: number): string => {
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10))
  const scaled = value / 1024 ** power
  return `${scaled < 10 && power > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power]}`
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** `12 s`, `5 min`, `3 h`, `41 d`. */
export const duration = (seconds: number): string => {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400 * 2) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}
