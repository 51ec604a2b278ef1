import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { lines, numberOrNull, oneOf, Path } from '../text.ts'

const digits = { md5: 32, sha1: 40, sha256: 64, sha512: 128 } as const

export const fileChecksum = operation({
  name: 'file.checksum',
  doc: 'The checksum of a file.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/passwd'] }),
      algorithm: Type.Optional(oneOf(['sha256', 'sha512', 'sha1', 'md5'], { description: 'default sha256' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ checksum: Type.String(), sizeBytes: Type.Integer({ minimum: 0 }) }),
  reads: true,
  shell: {
    script: ({ path, algorithm = 'sha256' }) =>
      scriptWith(
        { path, program: `${algorithm}sum` },
        '[ ! -d "$path" ] || fail "$path is a directory"\nexec 3<"$path"\nstat -L -c %s -- "$path"\n"$program" <&3',
      ),
    ...becomes,
    parse: ({ stdout }, { algorithm = 'sha256' }) => {
      const [size, sum = ''] = lines(stdout)
      const sizeBytes = numberOrNull(size)
      const checksum = sum.split(' ')[0] ?? ''
      if (sizeBytes === null || !/^[0-9a-f]+$/.test(checksum) || checksum.length !== digits[algorithm])
        throw new Error(`no ${algorithm} checksum in the output`)
      return { checksum, sizeBytes }
    },
  },
  summary: { checksum: ['histogram'] },
  display: {
    columns: [
      { title: 'CHECKSUM', get: c => c.checksum },
      { title: 'SIZE', get: c => bytes(c.sizeBytes) },
    ],
  },
})
