import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { oneOf, Path, Word } from '../text.ts'

/** In fstab and in /proc/mounts blanks are written as \040. */
const common = `escaped=$(printf %s "$path" | sed 's/ /\\\\040/g')
mounted() { P=$escaped awk '$2 == ENVIRON["P"] { found = 1 } END { exit !found }' /proc/mounts; }
table() { # the table without the line of this mount point, then $1
  draft "$fstab"
  { [ ! -e "$fstab" ] || L=$1 P=$escaped awk '!/^[ \\t]*#/ && $2 == ENVIRON["P"] { if (ENVIRON["L"] != "" && !done) print ENVIRON["L"]; done = 1; next } { print }' "$fstab"; } >"$draft"
  if [ -n "$1" ] && ! grep -qxF -- "$1" "$draft"; then printf '%s\\n' "$1" >>"$draft"; fi
  place "$draft" "$fstab"
}`

const fstab = Type.Optional(Path({ description: 'the table; default /etc/fstab' }))

const ensureBody = `line="$(printf %s "$device" | sed 's/ /\\\\040/g') $escaped $type $options 0 $pass"
if [ -n "$persist" ]; then
  # A line that says the same with other blanks stays as it is.
  if ! [ -e "$fstab" ] || ! P=$escaped L=$line awk '!/^[ \\t]*#/ && $2 == ENVIRON["P"] { $1 = $1; if ($0 == ENVIRON["L"]) found = 1 } END { exit !found }' "$fstab"; then table "$line"; fi
fi
[ "$state" = mounted ] || exit 0
if [ ! -d "$path" ]; then change "create folder $path"; act mkdir -p -- "$path"; fi
mounted || { change "mount $device at $path"; act mount -t "$type" -o "$options" -- "$device" "$path"; }`

export const mountEnsure = operation({
  name: 'mount.ensure',
  doc: 'Makes a file system be mounted, now and with every start (fstab). What is mounted there already stays as it is.',
  input: Type.Object(
    {
      device: Word({ examples: ['/dev/sdb1'], description: 'as in fstab: a path, UUID=..., host:/export, tmpfs' }),
      path: Path({ examples: ['/srv/data'] }),
      fs: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]*$', maxLength: 64, examples: ['ext4'] }),
      options: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9_.,=:/@%+-]+$', maxLength: 1024, description: 'default `defaults`' }),
      ),
      pass: Type.Optional(Type.Integer({ minimum: 0, maximum: 2, description: 'of fsck; default 0, none' })),
      persist: Type.Optional(Type.Boolean({ description: 'in fstab; default true' })),
      state: Type.Optional(oneOf(['mounted', 'listed'], { description: '`listed`: only in fstab; default mounted' })),
      fstab,
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { device, path, fs, options = 'defaults', pass = 0, persist = true, state = 'mounted' } = input
      const variables = { device, path, type: fs, options, pass, persist, state, fstab: input.fstab ?? '/etc/fstab' }
      return changeScript(input, variables, `${common}\n${ensureBody}`)
    },
    ...changeAnswer,
  },
})

export const mountRemove = operation({
  name: 'mount.remove',
  doc: 'Makes nothing be mounted there, now and with every start (fstab).',
  input: Type.Object(
    { path: Path({ examples: ['/srv/data'] }), fstab, ...changeInput },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input =>
      changeScript(
        input,
        { path: input.path, fstab: input.fstab ?? '/etc/fstab' },
        `${common}
[ "$path" != / ] || fail "/ is not unmounted"
if mounted; then change "unmount $path"; act umount -- "$path"; fi
if [ -e "$fstab" ] && P=$escaped awk '!/^[ \\t]*#/ && $2 == ENVIRON["P"] { found = 1 } END { exit !found }' "$fstab"; then table ''; fi`,
      ),
    ...changeAnswer,
  },
})
