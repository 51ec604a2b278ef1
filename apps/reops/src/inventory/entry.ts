/** How a host is reached over SSH, as `POST /v1/hosts` takes it. Credentials are references, never the credentials. */
export type SshEntry = {
  readonly address: string
  readonly port?: number
  readonly user?: string
  readonly identity?: readonly string[]
  readonly jump?: string
  /** What else the service knows of SSH (host key policy, backend, references); it checks them. */
  readonly [setting: string]: unknown
}
/** A host of an inventory. Without `ssh` it is one that has an agent; of that only the labels can be imported. */
export type HostEntry = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly ssh?: SshEntry
}
/** What a file says, and what of it could not be taken over. */
export type Inventory = { readonly hosts: readonly HostEntry[]; readonly notes: readonly string[] }

/** A file that cannot be read: where, what is wrong, what is allowed. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError'
}

export const hostsMax = 100_000
export const isName = (text: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text)
export const isLabelKey = (text: string) => /^[A-Za-z][A-Za-z0-9_./-]{0,62}$/.test(text)
export const isLabelValue = (text: string) => text.length <= 256 && !text.includes('\0')
export const portOf = (value: unknown, where: string): number => {
  const port = /^\d{1,5}$/.test(String(value)) ? Number(value) : 0
  if (port < 1 || port > 65_535)
    throw new InventoryError(`${where}: port ${JSON.stringify(value)} is not a whole number from 1 to 65535`)
  return port
}
export const compareNames = (a: { name: string }, b: { name: string }): number =>
  Number(a.name > b.name) - Number(a.name < b.name)
