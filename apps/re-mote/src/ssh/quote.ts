/** A word for `sh`, whatever is in it: single quotes, with each quote of its own outside of them. */
export const quoted = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** The same on one line: a line break becomes "$n", which the line has to hold. */
export const quotedOnLine = (text: string): string => quoted(text).replaceAll('\n', `'"$n"'`)

/** Variables by whose names `sh` may be given them. */
export const isVariable = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
