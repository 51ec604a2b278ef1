import type { Duplex } from 'node:stream'
import { LinkError } from './errors.ts'
import { keepAliveDefaults, type KeepAlive } from './keep-alive.ts'
import { makeLink, type Link } from './link.ts'
import { procedures } from './procedures.ts'

export type SessionOptions = {
  /** What libvirtd is asked to open, for example `qemu:///system`. */
  readonly driver: string
  readonly readOnly: boolean
  /** For connecting as a whole, milliseconds. */
  readonly connectTimeoutMs: number
  /** Null for a connection that is a stream's own: it may be silent for as long as its reader likes. */
  readonly keepAlive?: Partial<KeepAlive> | null | undefined
  readonly onEvent?: ((procedure: number, body: Buffer) => void) | undefined
}

const auth = { none: 0, sasl: 1, polkit: 2 } as const
const keepAliveFeature = 10
const readOnlyFlag = 1

const authenticate = async (link: Link, timeoutMs: number): Promise<void> => {
  const { types } = await link.call(procedures.authList, undefined, { timeoutMs })
  if (types.length === 0 || types.includes(auth.none)) return
  if (!types.includes(auth.polkit))
    throw new LinkError(
      'refused',
      false,
      'libvirtd wants a SASL login, which is not spoken; allowed are none and polkit',
    )
  await link.call(procedures.authPolkit, undefined, { timeoutMs })
}

/** A link on which libvirtd has opened the driver. Rejects with LinkError, or LibvirtError when libvirtd refuses. */
export const openSession = async (duplex: Duplex, options: SessionOptions): Promise<Link> => {
  const { driver, readOnly, keepAlive, onEvent = () => undefined, connectTimeoutMs: timeoutMs } = options
  const beat = keepAlive === null ? null : { ...keepAliveDefaults, ...keepAlive }
  const link = makeLink(duplex, { keepAlive: beat, onEvent })
  try {
    await authenticate(link, timeoutMs)
    await link.call(procedures.open, { name: driver, flags: readOnly ? readOnlyFlag : 0 }, { timeoutMs })
    // From then on libvirtd asks for signs of life too, so that it forgets a client that is gone.
    if (beat !== null) await link.call(procedures.supportsFeature, { feature: keepAliveFeature }, { timeoutMs })
    return link
  } catch (error) {
    link.end('closed', 'it could not be opened')
    throw error
  }
}

const goodbyeMs = 2_000

/** Says goodbye, then ends the link. Never rejects. */
export const closeSession = async (link: Link): Promise<void> => {
  await link.call(procedures.close, undefined, { timeoutMs: goodbyeMs }).catch(() => undefined)
  link.end('closed', 'it was closed')
}
