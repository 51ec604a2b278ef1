/** A file of an archive: its name with forward slashes (at most 100 bytes), its size, whether it may be executed. */
export type TarEntry = { readonly name: string; readonly size: number; readonly executable: boolean }

const blockBytes = 512
const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`

/**
 * The header of a file in an archive as POSIX has it (ustar). Owner and time are always the same, so the same files give the same
 * archive, byte for byte.
 */
export const tarHeader = ({ name, size, executable }: TarEntry): Buffer => {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long a name for the archive; at most 100 bytes`)
  const header = Buffer.alloc(blockBytes)
  const fields: [at: number, text: string][] = [
    [0, name],
    [100, octal(executable ? 0o755 : 0o644, 7)],
    [108, octal(0, 7)],
    [116, octal(0, 7)],
    [124, octal(size, 11)],
    [136, octal(0, 11)],
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\x0000'],
  ]
  for (const [at, text] of fields) header.write(text, at, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return header
}

/** What follows a file of this size, so that the next begins at a block. */
export const tarPadding = (size: number): Buffer => Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes)
export const tarEnd = Buffer.alloc(2 * blockBytes)
