import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Path } from '../text.ts'

/** Where the path really is decides: a slip of the hand must not remove a root or a folder right under it. */
const body = `[ -e "$path" ] || [ -L "$path" ] || exit 0
while [ "$path" != "\${path%/}" ]; do path=\${path%/}; done
[ -n "$path" ] || fail "/ is not removed"
name=\${path##*/}
case $name in . | ..) fail "$path does not name a file" ;; esac
folder=$(cd -P -- "\${path%/*}/" && pwd -P)
if [ -d "$path" ] && [ ! -L "$path" ]; then
  [ "$folder" != / ] || fail "/$name is not removed: it is a folder right under /"
  if [ -n "$recursive" ]; then change "remove $path with all in it"; act rm -rf -- "$path"
  else change "remove folder $path"; act rmdir -- "$path"
  fi
else
  change "remove $path"; act rm -f -- "$path"
fi`

export const fileRemove = operation({
  name: 'file.remove',
  doc: 'Makes a file or folder not be there; a folder with something in it only with `recursive`.',
  input: Type.Object(
    {
      path: Path({ examples: ['/tmp/old'] }),
      recursive: Type.Optional(Type.Boolean({ description: 'with all that is in it' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => changeScript(input, { path: input.path, recursive: input.recursive }, body),
    ...changeAnswer,
  },
})
