import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { oneOf, Path } from '../text.ts'

/** How it is packed is told by its first bytes: not every tar finds that out by itself. */
const extractBody = `[ -f "$archive" ] || fail "$archive is not there"
[ -z "$creates" ] || [ ! -e "$creates" ] || exit 0
[ -n "$dry" ] || [ -d "$into" ] || mkdir -p -- "$into"
change "extract $archive into $into"
case $(head -c 3 -- "$archive" | od -An -tx1 | tr -d ' \\n') in
  1f8b*) flag=-z ;;
  425a68) flag=-j ;;
  fd377a) flag=-J ;;
  28b52f) flag=--zstd ;;
  *) flag= ;;
esac
act tar -x $flag -f "$archive" -C "$into" "$@"`

export const archiveExtract = operation({
  name: 'archive.extract',
  doc: 'Unpacks a tar archive (plain, gzip, bzip2, xz, zstd) on the host into a folder.',
  input: Type.Object(
    {
      archive: Path({ examples: ['/tmp/app.tar.gz'] }),
      into: Path({ description: 'made if it is not there', examples: ['/srv/app'] }),
      creates: Type.Optional(Path({ description: 'nothing is done when this is there' })),
      strip: Type.Optional(Type.Integer({ minimum: 0, maximum: 32, description: 'so many leading parts of names go' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input =>
      changeScript(
        input,
        { archive: input.archive, into: input.into, creates: input.creates },
        extractBody,
        input.strip === undefined ? [] : [`--strip-components=${input.strip}`],
      ),
    ...changeAnswer,
  },
})

const compression = { none: '', gzip: '-z', bzip2: '-j', xz: '-J' } as const

const createBody = `[ -d "$from" ] || fail "$from is not a folder"
change "create $archive of $from"
[ -z "$dry" ] || exit 0
draft "$archive"
tar -c $flag -f "$draft" -C "$from" -- "$@" >&2
place_new() { chmod -- "\${mode:-$(printf %o $((0666 & ~$(umask))))}" "$draft"; mv -f -- "$draft" "$archive"; }
place_new`

export const archiveCreate = operation({
  name: 'archive.create',
  doc: 'Packs what is in a folder of the host into a tar archive there.',
  input: Type.Object(
    {
      archive: Path({ examples: ['/tmp/app.tar.gz'] }),
      from: Path({ description: 'the folder', examples: ['/srv/app'] }),
      names: Type.Optional(
        Type.Array(Type.String({ pattern: '^[^/\\u0000\\r\\n][^\\u0000\\r\\n]*$', maxLength: 4096 }), {
          minItems: 1,
          maxItems: 256,
          description: 'of what is in it; default all',
        }),
      ),
      compression: Type.Optional(oneOf(['gzip', 'none', 'bzip2', 'xz'], { description: 'default gzip' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { archive, from, names = ['.'], compression: how = 'gzip' } = input
      return changeScript(input, { archive, from, flag: compression[how] }, createBody, names)
    },
    ...changeAnswer,
  },
})
