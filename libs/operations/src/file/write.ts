import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Account, Mode, oneOf, Path, plainMode } from '../text.ts'

/** The bytes are counted before they take their place: content cut off on its way replaces nothing. */
const body = `[ ! -d "$path" ] || fail "$path is a directory"
[ ! -L "$path" ] || path=$(readlink -f -- "$path")
folder=$(dirname -- "$path")
if [ -n "$parents" ] && [ ! -d "$folder" ]; then change "create folder $folder"; act mkdir -p -- "$folder"; fi
draft "$path"
if [ -n "$base64" ]; then base64 -d >"$draft"; else cat >"$draft"; fi
[ "$(wc -c <"$draft")" -eq "$bytes" ] || fail "the content did not arrive whole"
place "$draft" "$path"`

const bytesOf = (content: string, base64: boolean) => Buffer.byteLength(content, base64 ? 'base64' : 'utf8')

export const fileWrite = operation({
  name: 'file.write',
  doc: 'Makes a file hold this content (and have this mode and owner), by rename, only if it differs.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/motd'] }),
      content: Type.String({ maxLength: 196_608, examples: ['hello\n'] }),
      encoding: Type.Optional(oneOf(['text', 'base64'], { description: 'of `content`; default text' })),
      mode: Type.Optional(Mode({ description: 'default: as it was, or what the umask leaves of 0666' })),
      owner: Type.Optional(Account()),
      group: Type.Optional(Account()),
      parents: Type.Optional(Type.Boolean({ description: 'make the folders above it' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { path, content, encoding, mode, owner, group, parents } = input
      const base64 = encoding === 'base64'
      const variables = { path, base64, bytes: bytesOf(content, base64), mode: plainMode(mode), owner, group, parents }
      return changeScript(input, variables, body)
    },
    stdin: ({ content }) => content,
    ...changeAnswer,
  },
})
