import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fingerprint } from '@re-ops/protocols/ssh'
import { magicPacket } from '@re-ops/re-core/testing'
import { startSshd, until } from '@re-ops/re-mote/testing'

const mac = '02:00:5e:10:00:07'

/** What the machine runs: a `shutdown` that ends its sshd alone, and never this computer's own. */
const writeScripts = (folder: string): string => {
  const [bin, home, login] = [join(folder, 'bin'), join(folder, 'home'), join(folder, 'login')]
  for (const path of [bin, home]) mkdirSync(path)
  const script = (path: string, ...lines: string[]) => {
    writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'))
    chmodSync(path, 0o755)
  }
  script(join(bin, 'shutdown'), `echo "$*" >> ${join(folder, 'asked')}`, `kill "$(cat ${join(folder, 'pid')})"`)
  script(join(bin, 'sudo'), '[ "$1" = -n ] && shift', 'exec "$@"')
  script(
    login,
    `export PATH=${bin}:/usr/bin:/bin HOME=${home}`,
    `[ "$(command -v shutdown)" = ${join(bin, 'shutdown')} ] || exit 99`,
    'cd "$HOME" && exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"',
  )
  return login
}

/**
 * A machine that stands somewhere, as far as a network can tell: a real sshd that `shutdown` ends, and an interface that
 * wakes it for its magic packet.
 */
export const startMachine = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'physical-'))
  const pid = join(folder, 'pid')
  const config = [`PidFile ${pid}`, `ForceCommand ${writeScripts(folder)}`]
  const sshd = await startSshd({ config })
  let packets = 0
  let booting: Promise<void> | null = null
  const isOn = () => existsSync(pid)
  const boot = (): Promise<void> => (booting ??= sshd.again().finally(() => (booting = null)))
  const socket = createSocket('udp4')
  socket.on('message', packet => {
    if (!packet.equals(magicPacket(mac))) return
    packets += 1
    if (!isOn()) void boot()
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const asked = () => (existsSync(join(folder, 'asked')) ? readFileSync(join(folder, 'asked'), 'utf8').split('\n') : [])
  const [type = '', key = ''] = sshd.hostKeys[0]?.split(' ') ?? []
  return {
    key: sshd.key,
    hostKey: fingerprint(Buffer.from(key, 'base64')),
    hostKeyType: type,
    settings: {
      mac,
      address: '127.0.0.1',
      port: sshd.port,
      user: sshd.user,
      hostKey: fingerprint(Buffer.from(key, 'base64')),
      broadcast: '127.0.0.1',
      wakePort: socket.address().port,
    },
    isOn,
    packets: () => packets,
    /** What `shutdown` was told, in order. */
    asked: () => asked().filter(line => line !== ''),
    /** Whose it says it is; null: nobody's. */
    mark: (): unknown => {
      const path = join(folder, 'home', '.re-ops-owner')
      return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
    },
    /** Comes up again when it has gone down. */
    rise: async () => {
      await until('the machine is down', async () => !isOn() || null)
      await boot()
    },
    stop: async () => {
      socket.close()
      await booting
      await sshd.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type PhysicalStandIn = Awaited<ReturnType<typeof startMachine>>
