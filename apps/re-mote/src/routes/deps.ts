import type { Keyset } from '@re-ops/protocols'
import type { Pool, Secrets } from '@re-ops/service'
import type { Deployments } from '../agents/deployments.ts'
import type { Driver } from '../driver/driver.ts'
import type { EnrolDeps } from '../services/enrol.ts'
import type { EnrolmentDeps } from '../services/enrolments.ts'
import type { Hub } from '../services/events.ts'
import type { Files } from '../services/files.ts'
import type { AgentSchedules } from '../services/agent-schedules.ts'
import type { Keys } from '../services/keys.ts'
import type { Modules } from '../services/modules.ts'
import type { OutputReaders } from '../services/outputs.ts'
import type { RunsDeps } from '../services/runs.ts'
import type { Ssh } from '../ssh/start.ts'
import type { Link } from '../zmq/link.ts'

export type RouteDeps = {
  readonly pool: Pool
  readonly hub: Hub
  readonly link: Link
  /** A session is live, with whichever broker. */
  isOnline(host: string): boolean
  readonly driver: Driver
  readonly runs: RunsDeps
  readonly ssh: Ssh
  readonly secrets: Secrets
  readonly modules: Modules
  readonly outputs: OutputReaders
  readonly deployments: Deployments
  readonly files: Files
  readonly keys: Keys
  readonly agentSchedules: AgentSchedules
  readonly enrolments: EnrolmentDeps
  readonly enrol: EnrolDeps
  keyset(): Keyset
  /** Enrolments that one address may ask for in a minute. */
  readonly enrolsPerMinuteMax: number
}
