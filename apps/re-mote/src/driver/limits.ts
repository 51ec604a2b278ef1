/** Limits and times of the driver, stated once. */
export const driverLimits = {
  /** How long beyond its limit a call is waited for: the agent enforces the limit, and its answer must travel. */
  graceMs: 5_000,
  /** How much longer when the host has no session at its deadline: an agent may pause this long before it dials again. */
  absentGraceMs: 20_000,
  /** How long a host may take to confirm that it ended a call that is cancelled; after it nobody knows. */
  cancelGraceMs: 30_000,
  /** How long a call may wait on its host for a slot. */
  slotWaitMaxMs: 15 * 60_000,
  /** Times a call goes out again under a new id. */
  redeliveriesMax: 3,
  /** Calls sent to one host at a time; the others wait their turn here. Its agent keeps room for the result of each. */
  inFlightPerHostMax: 32,
  /** Results for calls that are stored but not yet taken up by this process. */
  earlyResultsMax: 10_000,
  /** Calls that were given up and whose hosts are still to be asked: in all, and of one host. */
  givenUpMax: 100_000,
  givenUpPerHostMax: 1_000,
  /** Characters of late results that wait for their commit; an agent repeats what is dropped at its next session. */
  lateCharsMax: 64 * 1024 * 1024,
  /** Ids of settled results in one message, as the wire allows. */
  settledIdsMax: 10_000,
  /** Warnings a second of agents that speak of calls of others; the metrics count all. */
  warningsPerSecondMax: 1,
  ackDelayMs: 50,
  /** Ids of settled results that a call says along, as the wire allows. */
  settledAlongMax: 100,
  /** How long settling waits for a call to say it along, and then how many hosts are told at a time. */
  settleDelayMs: 1_800,
  settleEveryMs: 10,
  settleHostsMax: 100,
  /** How long results are visible to all before the disk is asked for, and how many bytes of them together, about. */
  flushDelayMs: 200,
  unflushedBytesMax: 8 * 1024 * 1024,
  /** How long results are tried again after Postgres died with them. */
  recommitForMs: 600_000,
  sweepMs: 250,
  batchItemsMax: 2_000,
  /** How long ends from which nothing follows gather for one commit while many come; the last of a run, and those of few hosts, do not wait. */
  gatherMs: 12,
  /** Results in one commit, about. Alone, 2,000 rows of them could be a gigabyte. */
  batchBytesMax: 8 * 1024 * 1024,
  /** Results that wait for their commit. With more the broker is asked to read no further, until there are few again. */
  waitingBytesMax: 64 * 1024 * 1024,
  waitingBytesFew: 16 * 1024 * 1024,
  /** Results that a run keeps for who waits for it, all targets together. */
  keptBytesMax: 8 * 1024 * 1024,
} as const
