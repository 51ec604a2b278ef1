import type { ShellResult } from '@re-ops/protocols'

/** The words of failures. Every transport uses them: hosts that fail alike fold into one group, however they are reached. */
const lineChars = 200

/** Of a code that is not ok: with the last line of standard error. */
export const exitWords = ({ code, stderr }: Pick<ShellResult, 'code' | 'stderr'>): string => {
  const line = stderr.trimEnd().split('\n').at(-1)?.slice(0, lineChars) ?? ''
  return `exit code ${code}${line === '' ? '' : `: ${line}`}`
}

export const unreadableWords = (error: unknown): string =>
  `cannot read the output: ${error instanceof Error ? error.message : String(error)}`.slice(0, 512)

/** Of a value that does not fit the schema of the output. `where` is what the check says. */
export const brokenWords = (operation: string, where: string): string =>
  `the output is not what ${operation} promises: ${where}`.slice(0, 512)

export const cutWords = '; the output was cut at the limit'

export const noFolderWords = (folder: string): string => `the folder ${folder} is not there`
export const noStartWords = (program: string, code: number): string =>
  `cannot start ${program}: ${code === 127 ? 'it is not there' : 'this user may not start it'}`
