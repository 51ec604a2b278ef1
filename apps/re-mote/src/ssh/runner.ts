import { randomBytes } from 'node:crypto'
import { makeCutter, paced } from './collect.ts'
import { sshLimits } from './limits.ts'
import type { Command, CommandEnd, Remote, RunOptions } from './remote.ts'
import { isTrue, leftFrame, runnerFrame, runnerStart } from './script.ts'

/** One `sh` on a host that does command after command: no new process of sshd, no login shell, no round trip but the command's own. */
export type Runner = {
  /** One at a time: the next only after `free`. */
  run(command: Command, options: RunOptions): Promise<CommandEnd>
  /** Resolves when it is known whether it can do another command. */
  free(): Promise<void>
  /** Whether it can do another command. False for good once its channel ended or its output cannot be trusted. */
  readonly usable: boolean
  close(): void
  /** Lets its `sh` end, and resolves when the host has let go of the channel. */
  leave(): Promise<void>
}
type Frame = {
  readonly onOut: (chunk: Buffer) => void
  readonly onErr: (chunk: Buffer) => void
  readonly onClosed: (code: number | null) => void
}

/** Takes a fresh channel on which `runnerCommand` runs. */
export const makeRunner = (remote: Remote): Runner => {
  const secret = randomBytes(9).toString('hex')
  let count = 0
  let ready = false
  let usable = true
  let frame: Frame | null = null
  let free: Promise<void> = Promise.resolve()
  const start = makeCutter(`${secret}r `)
  const drop = () => {
    usable = false
    remote.close()
  }
  remote.stdin.on('error', drop)
  remote.stdout.on('data', (chunk: Buffer) => {
    if (ready) return frame?.onOut(chunk)
    const found = start.feed(chunk, () => undefined) // what the login shell's profile says is nobody's output
    if (!found) return
    ready = true
    if (found.after.length > 0) frame?.onOut(found.after)
  })
  remote.stderr.on('data', (chunk: Buffer) => frame?.onErr(chunk))
  void remote.ended.then(({ code }) => {
    usable = false
    frame?.onClosed(code)
  })
  remote.stdin.write(runnerStart(`${secret}r`))

  /** What a command left behind could write into the next one's output; then this runner ends. */
  const check = (pid: number | null): Promise<void> => {
    if (pid === null || !usable) return Promise.resolve()
    const checked = Promise.withResolvers<void>()
    const mark = `${secret}${count}l `
    const cutter = makeCutter(mark)
    const done = () => {
      frame = null
      checked.resolve()
    }
    frame = {
      onOut: chunk => {
        const found = cutter.feed(chunk, () => undefined)
        if (!found) return
        if (found.rest !== 'gone') drop()
        done()
      },
      onErr: () => undefined,
      onClosed: done,
    }
    remote.stdin.write(leftFrame(pid, `${secret}${count}`))
    return checked.promise
  }

  return {
    get usable() {
      return usable
    },
    close: drop,
    leave: async () => {
      usable = false
      const late = setTimeout(drop, sshLimits.killMs)
      remote.stdin.end()
      await remote.ended.finally(() => clearTimeout(late))
    },
    free: () => free,
    run: (command, { signal, onStarted, kill }) =>
      new Promise(resolve => {
        count += 1
        const mark = `${secret}${count}`
        const { stdout: out, stderr: err } = command.streams
        const [begin, outEnd, errEnd] = [makeCutter(`${mark}s `), makeCutter(`${mark}e `), makeCutter(`${mark}e `)]
        let pid: number | null = null
        let started = false
        let code: number | null = null
        let errIsWhole = isTrue(command)
        let killed: Promise<boolean> | null = null
        let late: NodeJS.Timeout | undefined
        const output = () => ({ stdout: out.text(), stderr: err.text(), truncated: out.truncated || err.truncated })
        const settle = (end: CommandEnd) => {
          frame = null
          clearTimeout(late)
          signal.removeEventListener('abort', abort)
          free = check(end.kind === 'ended' ? pid : null)
          resolve(end)
        }
        const whole = () => {
          if (code === null || !errIsWhole) return
          const ended = code
          if (killed === null) settle({ kind: 'ended', code: ended, signal: null, ...output() })
          else settle({ kind: 'aborted', killed: true, started, ...output() })
        }
        const abort = () => {
          // The kill ends the command, whose end mark then comes as always. If it does not, the channel is given up.
          killed ??= kill(pid)
          late ??= setTimeout(() => {
            drop()
            settle({ kind: 'aborted', killed: false, started, ...output() })
          }, sshLimits.killMs)
        }
        const onOut = (chunk: Buffer) => {
          let rest = chunk
          if (!started) {
            const found = begin.feed(chunk, () => undefined)
            if (!found) return
            started = true
            pid = /^[1-9]\d*$/.test(found.rest) ? Number(found.rest) : null
            onStarted()
            rest = found.after
          }
          const found = code === null ? outEnd.feed(rest, text => paced(remote.stdout, out.put(text))) : null
          if (!found) return
          code = Number(found.rest)
          whole()
        }
        frame = {
          onOut,
          onErr: chunk => {
            if (errIsWhole || !errEnd.feed(chunk, text => paced(remote.stderr, err.put(text)))) return
            errIsWhole = true
            whole()
          },
          onClosed: ended => {
            if (killed !== null) return settle({ kind: 'aborted', killed: false, started, ...output() })
            if (!ready && ended !== null)
              return settle({ kind: 'refused', why: `the login shell does not start sh: it ended with ${ended}` })
            settle({ kind: 'broken', why: 'the connection broke', started: started ? 'yes' : 'unknown' })
          },
        }
        if (!usable) return frame.onClosed(null)
        if (signal.aborted) abort()
        else signal.addEventListener('abort', abort)
        remote.stdin.write(runnerFrame(command, mark))
      }),
  }
}
