import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { numberOrNull, oneOf, Path } from '../text.ts'

const limitDefault = 65_536

/** One byte more than asked says whether there is more: files of /proc have no size. Always base64: streams are text. */
const body = `[ ! -d "$path" ] || fail "$path is a directory"
exec 3<"$path"
stat -L -c %s -- "$path"
tail -c "+$((offset + 1))" <&3 | head -c "$((limit + 1))" | base64`

export const fileRead = operation({
  name: 'file.read',
  doc: 'The content of a file, as text or base64, at most so many bytes of it.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/hostname'] }),
      encoding: Type.Optional(
        oneOf(['text', 'base64'], {
          description: 'default text, which must be UTF-8',
        }),
      ),
      offsetBytes: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 53 - 1, description: 'where to begin' })),
      limitBytes: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 262_144, description: `at most so many; default ${limitDefault}` }),
      ),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    content: Type.String(),
    sizeBytes: Type.Integer({ minimum: 0, description: 'of the whole file, as stat says' }),
    truncated: Type.Boolean({ description: 'there is more behind it' }),
  }),
  reads: true,
  shell: {
    script: ({ path, offsetBytes = 0, limitBytes = limitDefault }) =>
      scriptWith({ path, offset: offsetBytes, limit: limitBytes }, body),
    ...becomes,
    parse: ({ stdout }, { encoding = 'text', limitBytes = limitDefault }) => {
      const [size, ...coded] = stdout.split('\n')
      const sizeBytes = numberOrNull(size)
      if (sizeBytes === null) throw new Error('no size in the output')
      const all = Buffer.from(coded.join(''), 'base64')
      const content = all.subarray(0, limitBytes)
      const truncated = all.length > limitBytes
      return {
        content: encoding === 'base64' ? content.toString('base64') : textOf(content, truncated),
        sizeBytes,
        truncated,
      }
    },
  },
  display: { columns: [{ title: 'CONTENT', get: r => `${r.content.trimEnd()}${r.truncated ? '\n(cut)' : ''}` }] },
})

/** A cut may go through a character, whose rest is then left out. */
const textOf = (content: Uint8Array, truncated: boolean): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content, { stream: truncated })
  } catch {
    throw new Error('the file is not UTF-8 text; ask for encoding base64')
  }
}
