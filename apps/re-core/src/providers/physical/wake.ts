import { createSocket } from 'node:dgram'
import { setTimeout as pause } from 'node:timers/promises'
import { ProviderError } from '@re-ops/protocols'
import type { Machine } from './settings.ts'

/** What a sleeping network interface listens for: six bytes of ones and its address sixteen times. */
export const magicPacket = (mac: string): Buffer => {
  const address = Buffer.from(mac.replaceAll(/[:-]/g, ''), 'hex')
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)])
}

const times = 3
const apartMs = 100

/** Sends it three times, for nothing tells whether one arrived. To a machine that is on it says nothing. */
export const wake = async ({ name, mac, broadcast, wakePort }: Machine, signal: AbortSignal): Promise<void> => {
  const packet = magicPacket(mac)
  const socket = createSocket('udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(0, resolve)
    })
    socket.setBroadcast(true)
    for (let sent = 0; sent < times; sent++) {
      if (sent > 0) await pause(apartMs, null, { signal })
      await new Promise<void>((resolve, reject) => {
        socket.send(packet, wakePort, broadcast, error => (error ? reject(error) : resolve()))
      })
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'given up'
    const where = `${broadcast} port ${wakePort}`
    throw new ProviderError('transient', 'unknown', `${name}: its magic packet was not sent to ${where}: ${code}`, {
      code,
    })
  } finally {
    socket.close()
  }
}
