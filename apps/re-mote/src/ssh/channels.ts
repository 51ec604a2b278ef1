import { killCommand, type Victim } from './kill.ts'
import { sshLimits } from './limits.ts'
import { runOnOwnChannel } from './own-channel.ts'
import { SshRefused } from './refused.ts'
import type { Command, CommandEnd, RunOptions, Session } from './remote.ts'
import { makeRunner, type Runner } from './runner.ts'
import { commandLine, fitsRunner, lineCommand, runnerCommand, whyNotSaid } from './script.ts'
import { makeTurns } from './turns.ts'

/** The commands of one host: small ones by runners that stay, the others by channels of their own. */
export type Channels = {
  /** Throws SshRefused, or the signal's reason, when nothing was started. `as`: who may kill what sudo started. */
  run(
    command: Command,
    options: Omit<RunOptions, 'kill'> & { readonly as?: Victim['as'] | undefined },
  ): Promise<CommandEnd>
  close(): void
}

export const makeChannels = (session: Session): Channels => {
  const idle: Runner[] = []
  const all = new Set<Runner>()
  const runnerTurns = makeTurns(sshLimits.runnersPerConnectionMax, sshLimits.waitingMax, 'a runner')
  const ownTurns = makeTurns(sshLimits.commandsPerConnectionMax, sshLimits.waitingMax, 'a channel')

  /** Done with a command, but not yet known to be good for another: that takes a round trip, a new runner takes much longer. */
  const checked = new Set<Promise<void>>()
  const takeRunner = async (): Promise<Runner> => {
    if (idle.length === 0 && checked.size > 0) await Promise.race(checked)
    for (let runner = idle.pop(); runner; runner = idle.pop())
      if (runner.usable) return runner
      else all.delete(runner)
    const runner = makeRunner(await session.open(runnerCommand))
    all.add(runner)
    return runner
  }
  const byRunner = async (command: Command, options: RunOptions): Promise<CommandEnd> => {
    const giveBack = await runnerTurns.take(options.signal)
    try {
      const runner = await takeRunner()
      const end = await runner.run(command, options)
      const free = runner.free().then(() => {
        checked.delete(free)
        if (runner.usable) idle.push(runner)
        else all.delete(runner)
        giveBack()
      })
      checked.add(free)
      return end
    } catch (error) {
      giveBack()
      throw error
    }
  }
  const byOwnChannel = async (command: Command, options: RunOptions): Promise<CommandEnd> => {
    const giveBack = await ownTurns.take(options.signal)
    try {
      return await runOnOwnChannel(await session.open(lineCommand), command, options)
    } finally {
      giveBack()
    }
  }
  return {
    run: async (command, { as, signal, onStarted }) => {
      const why = whyNotSaid(command)
      if (why !== null) throw new SshRefused('settings', `cannot start ${command.argv[0] ?? ''}: ${why}`)
      const kill = (pid: number | null) => killCommand(session, { id: command.id, pid, ...(as ? { as } : {}) })
      if (fitsRunner(command, sshLimits.frameBytesMax)) return byRunner(command, { signal, onStarted, kill })
      const size = Buffer.byteLength(commandLine(command, ''))
      if (size > sshLimits.lineBytesMax)
        throw new SshRefused('limit', `the command has ${size} bytes; at most ${sshLimits.lineBytesMax} are allowed`)
      return byOwnChannel(command, { signal, onStarted, kill })
    },
    close: () => {
      for (const runner of all) runner.close()
      session.close()
    },
  }
}
