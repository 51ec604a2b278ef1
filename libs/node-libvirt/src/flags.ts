/** The bits of those names that are set; a name whose value is undefined or false is left out. */
export const bits = <F extends Readonly<Record<string, number>>>(of: F, set: Flags<F>): number =>
  Object.entries(of).reduce((sum, [name, bit]) => (set[name] === true ? sum | bit : sum), 0)

/** The word of that number, or `unknown`. */
export const wordOf = <W extends string>(words: readonly W[], number: number): W | 'unknown' =>
  words[number] ?? 'unknown'

/** Options that are flags, each a boolean. */
export type Flags<T extends Readonly<Record<string, number>>> = { readonly [K in keyof T]?: boolean | undefined }
