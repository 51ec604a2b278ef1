/**
 * How a script is given to `sh`. Without input of its own it is sent on standard input, wrapped in braces: sh then reads all
 * of it before the first command runs, so a script cut off on its way does nothing, and commands in it that read standard
 * input find it empty instead of eating the rest of the script. Line numbers in messages stay those of the script.
 */
export const wrapScript = (script: string): string => `{ :; ${script}\n} </dev/null\n`

export const scriptCommand = (script: string, hasStdin: boolean): readonly string[] =>
  hasStdin ? ['sh', '-c', script] : ['sh', '-s']

type Given = string | number | boolean | undefined

/** A text as one word of sh, whatever it holds. A NUL it cannot hold: schemas of inputs (text.ts) refuse it. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** `''` for what is not given and for false, `yes` for true. */
const word = (value: Given): string =>
  quote(value === true ? 'yes' : value === undefined || value === false ? '' : String(value))

/**
 * What every script of the catalogue begins with: the first command that fails ends it; messages are in English; programs of
 * the administrator are found by ordinary users too; `fail` says why and ends it.
 */
const prelude = `set -eu
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin; export LC_ALL PATH
fail() { printf '%s\\n' "$1" >&2; exit 1; }`

/**
 * A script for sh with its inputs as variables: no text of an input is ever part of the script but as one quoted word.
 * `words` become its positional parameters.
 */
export const scriptWith = (
  variables: Readonly<Record<string, Given>>,
  body: string,
  words: readonly string[] = [],
): string => {
  const assigned = Object.entries(variables).map(([name, value]) => `${name}=${word(value)}`)
  return [prelude, ...assigned, `set -- ${words.map(quote).join(' ')}`, body].join('\n')
}
