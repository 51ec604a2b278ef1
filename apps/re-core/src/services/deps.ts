import type { Pool, PoolClient } from 'pg'
import type { Cipher, Message } from '../jobs/attempt.ts'
import type { NewMaking } from '../jobs/freeze.ts'
import type { Queue } from '../jobs/queue.ts'
import type { PriceFile } from '../prices/file.ts'
import type { Open, OpenerDeps } from '../providers/opener.ts'
import type { SystemRow } from '../store/row.ts'
import type { Changes } from '../store/systems.ts'

/** What the services behind the routes need. */
export type ServiceDeps = {
  readonly pool: Pool
  readonly transaction: <T>(fn: (tx: PoolClient) => Promise<T>) => Promise<T>
  readonly queue: Pick<Queue, 'wake' | 'later' | 'hold'>
  /** Goes on with a new system in this process, ahead of the queue; `claimed`: see `insertClaimed`. */
  readonly begin: (claimed: SystemRow, message: Message) => void
  /** What is frozen with the row of such a one; null: its attempt does it. */
  readonly freezeNew: (making: NewMaking) => Changes | null
  readonly opener: OpenerDeps
  readonly open: Open
  readonly installation: string
  /** Whether agents can call home: re-mote's address is configured. */
  readonly hasMote: boolean
  /** Of what no provider's API tells. */
  readonly prices: PriceFile
  readonly cipher: Cipher
  readonly now: () => number
}

/** Who asks, and the key that makes asking again the same request. */
export type Asked = {
  readonly subject: string
  readonly route: string
  readonly key: string | undefined
  readonly scopes: readonly string[]
}
