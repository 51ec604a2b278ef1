import type { Client, ClientChannel } from 'ssh2'
import { sshLimits } from './limits.ts'
import { SshRefused } from './refused.ts'
import type { Remote, RemoteEnd, Session } from './remote.ts'

const remoteOf = (client: Client, channel: ClientChannel): Remote => {
  const { promise, resolve } = Promise.withResolvers<RemoteEnd>()
  let end: RemoteEnd = { code: null, signal: null }
  channel.on('exit', (code: number | null, signal?: string) => {
    end = { code, signal: signal === undefined ? null : signal.startsWith('SIG') ? signal : `SIG${signal}` }
  })
  // A channel says that it has closed when all it had to say was read; of one whose connection is gone that may be never.
  const lost = () => setImmediate(() => resolve(end))
  client.once('close', lost)
  channel.on('close', () => {
    client.off('close', lost)
    resolve(end)
  })
  channel.on('error', () => channel.destroy())
  return {
    stdin: channel.stdin,
    stdout: channel.stdout,
    stderr: channel.stderr,
    ended: promise,
    close: () => {
      channel.close()
      channel.destroy()
    },
  }
}

/** Sessions over a connection of our own. */
export const ssh2Session = (client: Client, onBroken: () => void): Session => {
  let broken = false
  client.setMaxListeners(0) // one for each channel
  const lose = () => {
    if (broken) return
    broken = true
    onBroken()
  }
  client.on('close', lose)
  client.on('end', lose)
  // Without a listener an error would end the process; the close that follows says what matters.
  client.on('error', () => client.end())
  return {
    get broken() {
      return broken
    },
    open: command =>
      new Promise((resolve, reject) => {
        const refuse = (why: string) => reject(new SshRefused('session', `the host opens no session: ${why}`))
        if (broken) return refuse('the connection is closed')
        const lost = () => refuse('the connection was closed')
        const timer = setTimeout(() => refuse(`no answer in ${sshLimits.openChannelMs} ms`), sshLimits.openChannelMs)
        client.once('close', lost)
        try {
          client.exec(command, (error, channel) => {
            clearTimeout(timer)
            client.off('close', lost)
            if (error) refuse(error.message)
            else resolve(remoteOf(client, channel))
          })
        } catch (error) {
          clearTimeout(timer)
          client.off('close', lost)
          refuse(error instanceof Error ? error.message : String(error))
        }
      }),
    close: () => {
      client.end()
      client.destroy()
    },
  }
}
