import { sshLimits } from './limits.ts'
import type { Session } from './remote.ts'
import { killScript, runnerCommand } from './script.ts'

export type Victim = {
  readonly id: string
  /** Leader of its process group, when it is known. */
  readonly pid: number | null
  /** What a killer has to be, for a command that sudo started: its argv before `sh`, and what sudo wants to read first. */
  readonly as?: { readonly argv: readonly string[]; readonly input: string }
}

/** Ends a command on its host, over a channel of its own. Answers whether the host did as it was told, in time. */
export const killCommand = async (session: Session, { id, pid, as }: Victim): Promise<boolean> => {
  const kill = async (command: string, input: string): Promise<boolean> => {
    const remote = await session.open(command)
    const timer = setTimeout(remote.close, sshLimits.killMs)
    for (const stream of [remote.stdout, remote.stderr]) stream.resume()
    remote.stdin.on('error', () => undefined) // it did not read its input: its end says more
    remote.stdin.end(input)
    const { code } = await remote.ended.finally(() => clearTimeout(timer))
    return code === 0
  }
  try {
    const script = killScript(pid, id)
    // Processes of another user are that user's to kill; what is ours (sudo itself is not) ends with them.
    const [asOther, asSelf] = await Promise.all([
      as ? kill(as.argv.join(' '), `${as.input}${script}`) : true,
      kill(runnerCommand, script),
    ])
    return asOther && asSelf
  } catch {
    return false // no channel: the connection is going, and with it what we know
  }
}
