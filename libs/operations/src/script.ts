/**
 * How a script is given to `sh`. Without input of its own it is sent on standard input, wrapped in braces: sh then reads all
 * of it before the first command runs, so a script cut off on its way does nothing, and commands in it that read standard
 * input find it empty instead of eating the rest of the script. Line numbers in messages stay those of the script.
 */
export const wrapScript = (script: string): string => `{ :; ${script}\n} </dev/null\n`

/** `args` are the script's `$1`, `$2`, ...; `--` keeps one that begins with a dash from being an option of sh. */
export const scriptCommand = (script: string, hasStdin: boolean, args: readonly string[] = []): readonly string[] => {
  if (hasStdin) return ['sh', '-c', script, ...(args.length > 0 ? ['sh', ...args] : [])]
  return ['sh', '-s', ...(args.length > 0 ? ['--', ...args] : [])]
}

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

/**
 * What scripts with arguments begin with where programs are looked for or their words are read: messages are in English, programs
 * of the administrator are found by ordinary users too. Unlike scriptWith's, such a script goes on after a command that fails.
 */
export const plain = 'LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH'

/** Ends the script with 127 and a reason when the program is not there. */
export const needs = (program: string): string =>
  `command -v ${program} >/dev/null 2>&1 || { echo "${program} is not installed" >&2; exit 127; }`

/** `now` prints milliseconds that only grow, for differences: of the clock if `date` knows nanoseconds, else of the uptime (10 ms steps). */
export const clock = `now() {
  ns=$(date +%s%N 2>/dev/null)
  case $ns in *[!0-9]*|"") ns=0;; esac
  if [ "\${#ns}" -ge 19 ]; then echo "\${ns%??????}"; else read -r up _ </proc/uptime; echo "\${up%.*}\${up#*.}0"; fi
}`
