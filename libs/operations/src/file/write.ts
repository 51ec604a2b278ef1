import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { oneOf, Path } from '../text.ts'
import { placed, placing } from './placing.ts'

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
      ...placing,
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { path, content, encoding } = input
      const base64 = encoding === 'base64'
      return changeScript(input, { path, base64, bytes: bytesOf(content, base64), ...placed(input) }, body)
    },
    stdin: ({ content }) => content,
    ...changeAnswer,
  },
})
