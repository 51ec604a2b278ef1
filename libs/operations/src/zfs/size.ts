import { Type } from '@re-ops/pipelines'
import { becomeInput } from '../become.ts'

const powers = 'BKMGTPE'
/** Exact with `-p`. Old versions know no `-p` for all of it and write `2.04M`: powers of 1024, three digits. */
export const size = (text: string | undefined) => {
  const match = /^(\d+(?:\.\d+)?)([BKMGTPE]?)$/.exec(text ?? '')
  return match ? Math.round(Number(match[1]) * 1024 ** Math.max(0, powers.indexOf(match[2] || 'B'))) : undefined
}

export const dryInput = {
  dry: Type.Optional(Type.Boolean({ description: 'only say what would change' })),
  ...becomeInput,
}
export const Changed = {
  changed: Type.Boolean({ description: 'never with `dry`' }),
  wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`' })),
}
export const changes = (some: boolean, dry: boolean | undefined) =>
  dry ? { changed: false, wouldChange: some } : { changed: some }

/**
 * A list with exact sizes (`-p`); ZFS from before 2014, and zfs-fuse, know only those for people. When it cannot be had at all, the
 * second call says why.
 */
export const listed = (
  command: string,
): string => `list=$(${command} -p "$@" 2>/dev/null) && { printf '%s\\n' "$list"; exit 0; }
${command} "$@"`
