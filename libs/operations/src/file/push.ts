import { fileLimits } from '@re-ops/protocols'
import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomes } from '../become.ts'
import { Change, changeInput, changeScript, changesIn, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'
import { Path } from '../text.ts'
import { Content, leftovers, receiving, Size } from './content.ts'
import { placed, placing } from './placing.ts'

/** Links are followed, so that what they point at changes and they stay. */
const target = `[ ! -L "$path" ] || path=$(readlink -f -- "$path")
folder=\${path%/*}
folder=\${folder:-/}`

const body = `${receiving}
[ ! -d "$path" ] || fail "$path is a folder"
${target}
[ ! -e "$path" ] || [ -f "$path" ] || fail "$path is neither a file nor a link to one"
if same "$path" "$hash" "$size"; then
  permissions "$path"
else
  if [ ! -d "$folder" ]; then
    [ -n "$parents" ] || fail "there is no folder $folder (parents: true makes it)"
    change "create folder $folder"
    act mkdir -p -- "$folder"
  fi
  if [ -n "$dry" ]; then
    if [ -e "$path" ]; then permissions "$path"; change "content of $path"; else change "create $path"; fi
  else
    fetch "$hash" "$size" "$folder/.reops-$hash"
    place "$part" "$path"
    sweep "$folder"
  fi
fi
printf 'moved %s\\n' "$moved"
[ ! -f "$path" ] || printf 'mode %s\\n' "$(stat -c %a -- "$path")"`

const remove = `leftovers "$folder/.reops-$hash" | while IFS= read -r found; do rm -f -- "$found"; done`

/** What every operation that places one file answers. */
export const Pushed = Type.Object({
  ...Change.properties,
  hash: Content({ description: 'SHA-256 of what the file holds (with `dry`: would), verified on the host' }),
  bytes: Size(),
  transferred: Type.Integer({
    description: 'bytes that had to be sent: 0 when it was there, less than all when an earlier try came far',
  }),
  mode: Type.Optional(Type.String({ description: 'in octal; absent while there is no file (`dry`)' })),
})

/** What a script of this family says about a file it made. */
export const pushedIn = (
  stdout: string,
  input: { readonly hash: string; readonly size: number; readonly dry?: boolean },
): Static<typeof Pushed> => {
  const after = (word: string) =>
    stdout
      .split('\n')
      .findLast(line => line.startsWith(`${word} `))
      ?.slice(word.length + 1)
  const mode = after('mode')
  return {
    ...changesIn(stdout, input),
    hash: input.hash,
    bytes: input.size,
    transferred: Number(after('moved') ?? Number.NaN),
    ...(mode === undefined ? {} : { mode: mode.padStart(4, '0') }),
  }
}

export const filePush = operation({
  name: 'file.push',
  doc: 'Makes a file hold a stored content, sent in chunks, resumed, verified, by rename; nothing is sent when it holds it already.',
  input: Type.Object(
    {
      path: Path({ examples: ['/opt/app/app.tar'] }),
      hash: Content(),
      size: Size(),
      ...placing,
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Pushed,
  idempotent: true,
  ...changeTraits,
  summary: { changed: ['histogram'], transferred: ['sum'] },
  varies: { transferred: 'any' },
  shell: {
    script: input => {
      const { path, hash, size } = input
      const chunk = fileLimits.chunkBytes
      return changeScript(input, { path, hash, size, chunk, ...placed(input) }, body)
    },
    contents: ({ hash }) => ({ takes: [hash] }),
    afterKill: ({ path, hash }) => scriptWith({ path, hash }, `${leftovers}\n${target}\n${remove}`),
    ...becomes,
    parse: ({ stdout }, input) => pushedIn(stdout, input),
  },
})
