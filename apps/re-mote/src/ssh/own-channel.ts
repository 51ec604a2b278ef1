import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { converse } from '@re-ops/operations'
import { makeCutter, paced } from './collect.ts'
import { sshLimits } from './limits.ts'
import type { Command, CommandEnd, Remote, RunOptions } from './remote.ts'
import { commandLine } from './script.ts'

/** A command with a channel of its own, on which `lineCommand` runs: for big inputs. sshd itself tells its end and its signal. */
export const runOnOwnChannel = (
  remote: Remote,
  command: Command,
  { signal, onStarted, kill }: RunOptions,
): Promise<CommandEnd> =>
  new Promise(resolve => {
    const mark = randomBytes(9).toString('hex')
    const { stdout: out, stderr: err } = command.streams
    const begin = makeCutter(`${mark}s `)
    let pid: number | null = null
    let started = false
    let late: NodeJS.Timeout | undefined
    let killed: Promise<boolean> | null = null
    const { contents } = command
    const said = contents ? new PassThrough() : null
    const talked =
      said && contents
        ? converse({ stdin: remote.stdin, stdout: said, gone: remote.ended }, contents, out.put)
        : Promise.resolve(null)
    const put = (chunk: Buffer) => {
      if (!said) return paced(remote.stdout, out.put(chunk))
      if (said.writableEnded || said.write(chunk)) return
      remote.stdout.pause()
      said.once('drain', () => remote.stdout.resume())
    }
    const output = () => ({ stdout: out.text(), stderr: err.text(), truncated: out.truncated || err.truncated })
    const settle = (end: CommandEnd) => {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      resolve(end)
    }
    const abort = () => {
      killed ??= kill(pid)
      late ??= setTimeout(() => {
        remote.close()
        settle({ kind: 'aborted', killed: false, started, ...output() })
      }, sshLimits.killMs)
    }
    remote.stdout.on('data', (chunk: Buffer) => {
      if (started) return put(chunk)
      const found = begin.feed(chunk, () => undefined)
      if (!found) return
      started = true
      pid = /^[1-9]\d*$/.test(found.rest) ? Number(found.rest) : null
      onStarted()
      put(found.after)
    })
    remote.stderr.on('data', (chunk: Buffer) => paced(remote.stderr, err.put(chunk)))
    void remote.ended.then(async ({ code, signal: by }) => {
      said?.end()
      const fault = await talked
      if (fault !== null) void err.put(Buffer.from(`${fault}\n`))
      if (killed !== null) return settle({ kind: 'aborted', killed: true, started, ...output() })
      if (started && (code !== null || by !== null)) return settle({ kind: 'ended', code, signal: by, ...output() })
      if (!started && code !== null)
        return settle({ kind: 'refused', why: `the login shell does not start sh: it ended with ${code}` })
      settle({ kind: 'broken', why: 'the connection broke', started: started ? 'yes' : 'unknown' })
    })
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    remote.stdin.on('error', () => undefined) // it did not read its input: its own choice
    remote.stdin.write(commandLine(command, mark))
    if (command.stdin !== undefined) remote.stdin.write(command.stdin)
    if (command.input !== undefined) {
      const { input } = command
      input.on('error', abort) // what cannot be read any more must not look whole to the host
      void remote.ended.finally(() => input.destroy())
      input.pipe(remote.stdin)
    } else if (!said) remote.stdin.end()
  })
