/** What stands behind the first `--` is a command for the hosts and is never looked into. */
export const splitCommand = (argv: readonly string[]): { words: string[]; command: string[] | null } => {
  const at = argv.indexOf('--')
  return at < 0 ? { words: [...argv], command: null } : { words: argv.slice(0, at), command: argv.slice(at + 1) }
}
