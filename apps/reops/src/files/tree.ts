/** One entry of a folder, by its path from there. The same as a line of what `folder.sync` and `folder.pull` call a tree. */
export type Entry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: string }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly mode: string
      readonly hash: string
      readonly size: number
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }

/** The list as a text: `d <mode> - - <path>`, `f <mode> <hash> <size> <path>`, `l 0777 - - <path>` and `> <target>`; folders before what is in them. */
export const treeText = (entries: readonly Entry[]): string =>
  entries
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(one => {
      if (one.kind === 'folder') return `d ${one.mode} - - ${one.path}\n`
      if (one.kind === 'file') return `f ${one.mode} ${one.hash} ${one.size} ${one.path}\n`
      return `l 0777 - - ${one.path}\n> ${one.target}\n`
    })
    .join('')

const line = /^([dfl]) ([0-7]{3,4}) ([0-9a-f]{64}|-) (\d{1,12}|-) (.+)$/

/** What such a text says; lines that are none are left out. */
export const entriesOf = (text: string): Entry[] => {
  const lines = text.split('\n')
  return lines.flatMap((one, at): Entry[] => {
    const [, kind, mode = '', hash = '', size = '', path = ''] = line.exec(one) ?? []
    if (kind === 'd') return [{ kind: 'folder', path, mode }]
    if (kind === 'f' && hash !== '-') return [{ kind: 'file', path, mode, hash, size: Number(size) }]
    const next = lines[at + 1] ?? ''
    return kind === 'l' && next.startsWith('> ') ? [{ kind: 'link', path, target: next.slice(2) }] : []
  })
}
