import { noFolderWords, noStartWords, type ShellPlan } from '@re-ops/operations'

/**
 * In the agent's words, why nothing was started although the host's shell was: the folder, or the program, as setsid or a shell
 * without it says it. Null when something was started, or it cannot be told.
 */
export const whyNotStarted = (
  { argv, cwd, become }: Pick<ShellPlan, 'argv' | 'cwd' | 'become'>,
  code: number,
  stderr: string,
): string | null => {
  const [program = ''] = argv
  const line = stderr.trimEnd()
  if (become !== undefined || (code !== 126 && code !== 127) || line.includes('\n')) return null
  if (cwd !== undefined && line === noFolderWords(cwd)) return line
  const isSaid = line.startsWith(`setsid: failed to execute ${program}: `) || line.includes(`: exec: ${program}: `)
  return isSaid ? noStartWords(program, code) : null
}
