import type { SshSettings } from '@re-ops/protocols'
import { usage } from '../fault.ts'

/** `user@address`, `user@address:port`, `user@[address]:port`; the user may be left out. */
export const sshTarget = (text: string): Pick<SshSettings, 'address' | 'port' | 'user'> => {
  const match = /^(?:([A-Za-z_][A-Za-z0-9_.@-]*)@)?(?:\[([^\]]+)\]|([^:\s@[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const address = match?.[2] ?? match?.[3]
  const port = match?.[4] === undefined ? undefined : Number(match[4])
  if (!match || address === undefined || (port !== undefined && (port < 1 || port > 65_535)))
    throw usage(`--ssh: \`${text}\` is not [user@]address[:port]; an address with colons stands in brackets`)
  const user = match[1]
  return { address, ...(port === undefined ? {} : { port }), ...(user === undefined ? {} : { user }) }
}
