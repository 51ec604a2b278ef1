import { Type, type Static } from '@re-ops/pipelines'
import { isoTime, oneOf } from '../text.ts'

export const Entry = Type.Object({
  type: oneOf(['file', 'directory', 'link', 'fifo', 'socket', 'block', 'character', 'other']),
  sizeBytes: Type.Integer({ minimum: 0 }),
  mode: Type.String({ description: 'permissions, four octal digits', examples: ['0644'] }),
  owner: Type.String({ description: 'the name, or the number of one without a name' }),
  group: Type.String(),
  uid: Type.Integer(),
  gid: Type.Integer(),
  modifiedAt: Type.String({ format: 'date-time' }),
})
export type Entry = Static<typeof Entry>

/** GNU and busybox agree on these; the name comes last, so that it may hold blanks. */
export const entryFormat = '%f %s %u %g %U %G %Y %n'

/** The upper bits of st_mode (inode(7)). */
const types: Readonly<Record<number, Entry['type']>> = {
  0o01: 'fifo',
  0o02: 'character',
  0o04: 'directory',
  0o06: 'block',
  0o10: 'file',
  0o12: 'link',
  0o14: 'socket',
}

const named = (name: string, id: string) => (name === 'UNKNOWN' || name === '' ? id : name)

/** A line of `stat -c entryFormat`. */
export const entryOf = (line: string): { entry: Entry; path: string } => {
  const match = /^([0-9a-f]+) (\d+) (\d+) (\d+) (.+?) (.+?) (-?\d+) (\/.*)$/.exec(line)
  if (!match) throw new Error(`no line of stat: ${JSON.stringify(line.slice(0, 80))}`)
  const [, raw = '', size, uid = '', gid = '', owner = '', group = '', time, path = ''] = match
  const bits = Number.parseInt(raw, 16)
  return {
    path,
    entry: {
      type: types[bits >> 12] ?? 'other',
      sizeBytes: Number(size),
      mode: (bits & 0o7777).toString(8).padStart(4, '0'),
      owner: named(owner, uid),
      group: named(group, gid),
      uid: Number(uid),
      gid: Number(gid),
      modifiedAt: isoTime(time),
    },
  }
}
