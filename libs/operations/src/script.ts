/**
 * How a script is given to `sh`. Without input of its own it is sent on standard input, wrapped in braces: sh then reads all
 * of it before the first command runs, so a script cut off on its way does nothing, and commands in it that read standard
 * input find it empty instead of eating the rest of the script. Line numbers in messages stay those of the script.
 */
export const wrapScript = (script: string): string => `{ :; ${script}\n} </dev/null\n`

export const scriptCommand = (script: string, hasStdin: boolean): readonly string[] =>
  hasStdin ? ['sh', '-c', script] : ['sh', '-s']
