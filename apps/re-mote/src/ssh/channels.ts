import { setTimeout as pause } from 'node:timers/promises'
import { killCommand, type Victim } from './kill.ts'
import { sshLimits } from './limits.ts'
import { runOnOwnChannel } from './own-channel.ts'
import { SshRefused } from './refused.ts'
import type { Command, CommandEnd, Remote, RunOptions, Session } from './remote.ts'
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
  /** Commands that hold a channel, each until it gives it up. */
  const working = new Set<Promise<void>>()
  /** When a channel was given up last. */
  let gaveUpAt = Number.NEGATIVE_INFINITY
  const opening = makeTurns(1, sshLimits.waitingMax, 'a channel')
  const idleRunner = (): Runner | undefined => {
    for (let runner = idle.pop(); runner; runner = idle.pop())
      if (runner.usable) return runner
      else all.delete(runner)
    return undefined
  }
  const work = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    working.add(promise)
    return () => {
      gaveUpAt = performance.now()
      working.delete(promise)
      resolve()
    }
  }
  /**
   * Gives `found`, or a new channel. A host may allow fewer sessions than we ask for (MaxSessions): then a runner that only waits gives its
   * own, or a command is waited for. One at a time, so that who fails knows of all that hold a channel.
   */
  const openChannel = async <T>(
    command: string,
    signal: AbortSignal,
    use: (remote: Remote) => T,
    found: () => T | undefined = () => undefined,
  ): Promise<{ readonly it: T; readonly letGo: () => void }> => {
    const giveBack = await opening.take(signal)
    try {
      for (;;) {
        signal.throwIfAborted()
        const it = found()
        if (it !== undefined) return { it, letGo: work() }
        try {
          return { it: use(await session.open(command)), letGo: work() }
        } catch (error) {
          if (session.broken) throw error
          const runner = idleRunner()
          if (runner) {
            all.delete(runner)
            await runner.leave()
            gaveUpAt = performance.now()
          } else if (working.size > 0) await Promise.race(working)
          // sshd counts a session for a moment longer than its channel is there.
          else if (performance.now() - gaveUpAt < sshLimits.letGoMs) await pause(sshLimits.letGoMs / 50)
          else throw error
        }
      }
    } finally {
      giveBack()
    }
  }
  const newRunner = (remote: Remote): Runner => {
    const runner = makeRunner(remote)
    all.add(runner)
    return runner
  }
  const takeRunner = async (signal: AbortSignal) => {
    if (idle.length === 0 && checked.size > 0) await Promise.race(checked)
    const it = idleRunner()
    return it ? { it, letGo: work() } : openChannel(runnerCommand, signal, newRunner, idleRunner)
  }
  const byRunner = async (command: Command, options: RunOptions): Promise<CommandEnd> => {
    const giveBack = await runnerTurns.take(options.signal)
    try {
      const { it: runner, letGo } = await takeRunner(options.signal)
      const end = await runner.run(command, options)
      const free = runner.free().then(() => {
        checked.delete(free)
        if (runner.usable) idle.push(runner)
        else all.delete(runner)
        letGo()
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
      const { it: remote, letGo } = await openChannel(lineCommand, options.signal, opened => opened)
      return await runOnOwnChannel(remote, command, options).finally(letGo)
    } finally {
      giveBack()
    }
  }
  return {
    run: async (command, { as, signal, onStarted }) => {
      const why = whyNotSaid(command)
      if (why !== null) throw new SshRefused('settings', `cannot start ${command.argv[0] ?? ''}: ${why}`)
      const kill = (pid: number | null) => killCommand(session, { id: command.id, pid, ...(as ? { as } : {}) })
      if (command.input === undefined && fitsRunner(command, sshLimits.frameBytesMax))
        return byRunner(command, { signal, onStarted, kill })
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
