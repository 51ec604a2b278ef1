import { noFolderWords } from '@re-ops/operations'
import { isVariable, quoted, quotedOnLine } from './quote.ts'
import type { Command } from './remote.ts'

/**
 * What is said to `sh` on a host. Login shells are unknown (bash, fish, csh, ...), so they only ever see `exec sh ...`; everything else goes
 * to that `sh` on its standard input, where no profile and no process list sees it. Nothing is written to the host's disk.
 */
const path = 'PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"; export PATH'

/** For the login shell: a `sh` that reads its commands. */
export const runnerCommand = 'exec sh'
/** For the login shell: a `sh` that reads one line, byte by byte, and becomes the command in it, which reads the rest. */
export const lineCommand = `exec sh -c 'IFS= read -r l && eval "$l"'`

/**
 * The runner's first words. Answers `<mark> ` and whether there is a setsid. What the runner itself would say (`Killed`, say) is nobody's
 * output: its standard error goes away, that of the commands is kept as 3.
 */
export const runnerStart = (mark: string): string =>
  `${path}; __s=; command -v setsid >/dev/null 2>&1 && __s=setsid; cd /; exec 3>&2 2>/dev/null; printf '%s %s\\n' ${mark} "$__s"\n`

const exported = ({ env, id }: Command, quote: (text: string) => string): string =>
  Object.entries({ ...env, REOPS_CALL_ID: id })
    .map(([name, value]) => `${name}=${quote(value)}; export ${name}; `)
    .join('')

const enter = (cwd: string, quote: (text: string) => string): string =>
  cwd === '/' ? 'cd /; ' : `cd ${quote(cwd)} 2>/dev/null || { echo ${quote(noFolderWords(cwd))} >&2; exit 127; }; `

/** Why a command cannot be said to `sh`, or null. */
export const whyNotSaid = ({ argv, env, cwd }: Command): string | null => {
  if (argv.length === 0 || argv[0] === '') return 'there is no program to start'
  if ([...argv, cwd, ...Object.values(env)].some(text => text.includes('\0'))) return 'an argument holds a null byte'
  const bad = Object.keys(env).find(name => !isVariable(name))
  if (bad !== undefined) return `${JSON.stringify(bad)} is not the name of a variable`
  return null
}

/** `true` changes nothing and says nothing: the runner answers for it without a process, as every login shell does, and on one stream. */
export const isTrue = ({ argv, env, stdin, cwd }: Command): boolean =>
  argv.length === 1 && argv[0] === 'true' && stdin === undefined && cwd === '/' && Object.keys(env).length === 0

export const fitsRunner = (command: Command, bytesMax: number): boolean => {
  if (command.contents || command.stdin?.includes('\0') === true) return false
  const size = command.argv.reduce((sum, word) => sum + word.length, command.stdin?.length ?? 0)
  // Cheap first; quoting makes it longer, and not everything is one byte.
  return size <= bytesMax && Buffer.byteLength(runnerFrame(command, '')) <= 2 * bytesMax
}

/**
 * One command for the runner: says `<mark>s <pid>`, runs it in a session and process group of its own, says `<mark>e <code>` on both streams (`true` has no second).
 * The parentheses are one process, which becomes the command.
 */
export const runnerFrame = (command: Command, mark: string): string => {
  if (isTrue(command)) return `printf '%s \\n%s 0\\n' ${mark}s ${mark}e\n`
  const end = `printf '%s %s\\n' ${mark}e $?; printf '%s \\n' ${mark}e >&3\n`
  const self = `{ read -r __p __x </proc/self/stat; } 2>/dev/null; printf '%s %s\\n' ${mark}s "$__p"; `
  const run = `exec $__s ${command.argv.map(quoted).join(' ')}`
  const body = `${self}${enter(command.cwd, quoted)}${exported(command, quoted)}${run}`
  return command.stdin === undefined
    ? `( ${body} ) </dev/null 2>&3 3>&-; ${end}`
    : `printf %s ${quoted(command.stdin)} | ( ${body} ) 2>&3 3>&-; ${end}`
}

/** Asks the runner whether something of a process group is left: it could write into the output of the next command. */
export const leftFrame = (pid: number, mark: string): string =>
  `if kill -0 -${pid} 2>/dev/null; then printf '%s left\\n' ${mark}l; else printf '%s gone\\n' ${mark}l; fi\n`

/** The line for lineCommand: says `<mark>s <pid>`, then is the command. What follows the line is its standard input. */
export const commandLine = (command: Command, mark: string): string => {
  const { argv, cwd } = command
  const run = `exec ${argv.map(quotedOnLine).join(' ')}`
  const body = `${enter(cwd, quotedOnLine)}${exported(command, quotedOnLine)}${run}`
  return `n=$(printf '\\nx'); n=\${n%x}; ${path}; printf '%s %s\\n' ${mark}s $$; ${body}\n`
}

/**
 * Kills a command: its process group, then whatever carries its call id in its environment, wherever it moved to, until nothing is found.
 * Says nothing. For `sh`.
 */
export const killScript = (pid: number | null, id: string): string => `
${pid === null ? '' : `kill -9 -${pid} ${pid} 2>/dev/null`}
for round in 1 2 3 4 5; do
  found=
  for file in $(grep -ls ${quoted(`REOPS_CALL_ID=${id}`)} /proc/[0-9]*/environ 2>/dev/null); do
    pid=\${file#/proc/}
    kill -9 "\${pid%/environ}" 2>/dev/null && found=1
  done
  [ -n "$found" ] || break
done
exit 0
`
