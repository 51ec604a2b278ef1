/** An entry of an archive: a folder without bytes, a file, or a link's target as its bytes. */
export type Entry = { readonly path: string; readonly mode: number; readonly bytes?: Buffer }

export const folderMode = 0o040755
export const programMode = 0o100755
export const fileMode = 0o100644
export const linkMode = 0o120777

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])

const entry = ({ path, mode, bytes = Buffer.alloc(0) }: Entry, inode: number): Buffer => {
  const name = Buffer.from(`${path}\0`)
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length, 0]
  const header = `070701${fields.map(field => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(bytes)])
}

/** A `newc` archive as the kernel unpacks it. Without times and inodes of the host: the same entries, the same bytes. */
export const cpio = (entries: readonly Entry[]): Buffer =>
  Buffer.concat([...entries, { path: 'TRAILER!!!', mode: 0 }].map((one, n) => entry(one, n + 1)))
