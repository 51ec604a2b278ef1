/** Limits of one broker, stated once. */
export const brokerLimits = {
  /** New connections that may pass the authenticator per second, and at once; more are told to come again. */
  handshakesPerSecondMax: 2_000,
  handshakesBurstMax: 4_000,
  /** Connections between CURVE handshake and hello. Each holds a record of fixed size. */
  pendingHellosMax: 8_192,
  sessionsMax: 50_000,
  /** How long a connection that has proved itself waits for the service's word. An agent waits 10 s for its welcome. */
  admissionTimeoutMs: 9_000,
  /** Look-ups of unknown keys at the service. */
  lookupsPerSecondMax: 50,
  allowListAgeMaxMs: 60_000,
  /** Outgoing messages that wait for the writer, all agents together, and for one agent. */
  queueMax: 200_000,
  queuePerAgentMax: 4_000,
  /** How long a message waits for an agent that reads too slowly before it counts as not sent. */
  slowAgentMs: 5_000,
  sendsPerTurnMax: 256,
  receivesPerTurnMax: 256,
  /** Calls that are handed to the network in one turn of the event loop. */
  callsPerTurnMax: 256,
  receivedBytesPerTurnMax: 2 * 1024 * 1024,
  /** Messages of one session per second, and at once. */
  messagesPerSecondMax: 5_000,
  messagesBurstMax: 20_000,
  /** Batches on their way to the service before the socket is no longer read. */
  batchesUnderWayMax: 8,
  auditsPerSecondMax: 20,
  /** Answers to messages of connections that have no session. */
  remindersPerSecondMax: 2_000,
  openFilesShareMax: 0.8,
  handshakeIntervalMs: 10_000,
  backlog: 4_096,
  peerHighWaterMark: 1_000,
  /** Live modules kept for agents that pull them; how many different ones may be waited for, and asked for per second. */
  moduleBytesKeptMax: 32 * 1024 * 1024,
  modulesWaitedForMax: 64,
  modulesAskedPerSecondMax: 100,
  moduleAskAgainMs: 1_000,
  /** How many modules a session is remembered to have been given. */
  modulesKnownPerSessionMax: 64,
  /** Chunks of contents, as they go over the wire, kept for agents that pull them; how many different ones may be waited for. */
  chunkBytesKeptMax: 64 * 1024 * 1024,
  chunksWaitedForMax: 4_096,
  chunkAskAgainMs: 2_000,
  /** Pulls of one session that wait, and contents that are open to it. */
  pullsPerAgentMax: 256,
  openPerAgentMax: 1_024,
  /** Messages in the writer's queue beyond which no more parts of chunks are put there: 64 KiB each. */
  partsQueuedMax: 256,
} as const
