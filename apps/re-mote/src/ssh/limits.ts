/** Limits and times of the SSH transport, stated once. */
export const sshLimits = {
  /** Open connections, jump hosts included; about 200 KiB of memory each. */
  connectionsMax: 1_000,
  /** Handshakes under way at once: each costs some 10 ms of this process's time. */
  handshakesMax: 32,
  /** Calls that wait for a connection. */
  waitingMax: 20_000,
  /** From the TCP connection to the end of the authentication, for each hop. */
  connectMs: 20_000,
  keepaliveMs: 15_000,
  keepalivesMissedMax: 3,
  /** A connection that nothing used for so long is closed. */
  idleMs: 5 * 60_000,
  idleCheckMs: 15_000,
  /** sshd lets one connection have ten sessions: four runners, four commands of their own, and room for a kill. */
  runnersPerConnectionMax: 4,
  commandsPerConnectionMax: 4,
  /** A command bigger than this, with its input, gets a channel of its own. */
  frameBytesMax: 16_384,
  /** What is sent to `sh` in one line for a command with a channel of its own, without its input. */
  lineBytesMax: 1_048_576,
  /** How long a killed command may take to be gone, and the kill itself. */
  killMs: 3_000,
  openChannelMs: 15_000,
  /** How long a host may take to count a session no more whose channel is closed. */
  letGoMs: 1_000,
  jumpsMax: 8,
  stderrTailChars: 4_096,
} as const
