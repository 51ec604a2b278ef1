import type { Socket } from 'node:net'

/**
 * What is written to the socket in one turn of the loop leaves in one piece. ssh2 writes a packet in three (length, content, tag); with TCP_NODELAY
 * each would be a system call, a segment and a wake-up of the other side.
 */
export const gather = (socket: Socket): Socket => {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
  let isHeld = false
  const release = () => {
    isHeld = false
    socket.uncork()
  }
  const held = (...args: unknown[]): boolean => {
    if (!isHeld) {
      isHeld = true
      socket.cork()
      process.nextTick(release)
    }
    return write(...args)
  }
  socket.write = held
  return socket
}
