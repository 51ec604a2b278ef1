import { spawn, type ChildProcess } from 'node:child_process'
import type { AsUser } from './as-user.ts'

/**
 * A shell of one megabyte that owns the command and holds a pipe from us on descriptor 0. When the pipe ends, because we closed it or
 * died however hard, it asks for a fast shutdown (SIGINT), after 5 s an immediate one (SIGQUIT), after 10 s it kills. A text and
 * not a file, so that it survives bundling. The command is not reaped before the wait, so its pid cannot mean another process.
 */
const script = `
exec 3<&0 </dev/null
"$@" 3<&- & child=$!
echo "pid $child"
(
  trap - TERM
  read -r _ <&3
  kill -INT $child
  waited=0
  while kill -0 $child; do
    sleep 0.1
    waited=$((waited + 1))
    [ $waited -eq 50 ] && kill -QUIT $child
    [ $waited -ge 100 ] && kill -KILL $child && exit
  done
) >/dev/null 2>&1 & watcher=$!
exec 3<&-
trap '' INT TERM HUP
wait $child
code=$?
kill $watcher
exit $code
`

/** Runs a command under the guard, in its own session: a Ctrl-C at the terminal reaches us alone, and we decide the order. */
export const spawnGuarded = (command: readonly string[], user: AsUser, cwd: string): ChildProcess =>
  spawn('/bin/sh', ['-c', script, 'postgres-guard', ...user.prefix, ...command], {
    cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...user.ids,
  })
