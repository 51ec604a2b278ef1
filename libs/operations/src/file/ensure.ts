import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Account, Line, Mode, Path, plainMode } from '../text.ts'

export const directoryEnsure = operation({
  name: 'directory.ensure',
  doc: 'Makes a folder be there, with those above it, and have this mode and owner.',
  input: Type.Object(
    {
      path: Path({ examples: ['/srv/app'] }),
      mode: Type.Optional(Mode({ examples: ['0755'] })),
      owner: Type.Optional(Account()),
      group: Type.Optional(Account()),
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
        { path: input.path, mode: plainMode(input.mode), owner: input.owner, group: input.group },
        `[ ! -e "$path" ] || [ -d "$path" ] || fail "$path is there and is not a folder"
if [ ! -d "$path" ]; then change "create folder $path"; act mkdir -p -- "$path"; fi
[ ! -d "$path" ] || permissions "$path"`,
      ),
    ...changeAnswer,
  },
})

/** A link is replaced by rename: there is no moment without one. */
const linkBody = `if [ -L "$path" ]; then
  now=$(readlink -- "$path")
  [ "$now" != "$target" ] || exit 0
  change "link $path from $now to $target"
elif [ -e "$path" ]; then
  [ ! -d "$path" ] || fail "$path is a folder"
  [ -n "$force" ] || fail "$path is there and is not a link; force: true replaces it"
  change "replace $path by a link to $target"
else
  change "link $path to $target"
fi
[ -z "$dry" ] || exit 0
draft "$path"
rm -f -- "$draft"
ln -s -- "$target" "$draft"
mv -f -T -- "$draft" "$path"`

export const linkEnsure = operation({
  name: 'link.ensure',
  doc: 'Makes a path be a symbolic link to a target.',
  input: Type.Object(
    {
      path: Path({ examples: ['/srv/app/current'] }),
      target: Line({ description: 'as it is to stand in the link; need not be there', examples: ['releases/42'] }),
      force: Type.Optional(Type.Boolean({ description: 'replace a file that is there' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => changeScript(input, { path: input.path, target: input.target, force: input.force }, linkBody),
    ...changeAnswer,
  },
})

/** Below a folder only what differs is named and touched. Links are not followed. */
const treeBody = `[ -e "$path" ] || fail "$path is not there"
if [ -z "$recursive" ] || [ ! -d "$path" ]; then permissions "$path"; exit 0; fi
below() { # what, program, value, tests of find: the files it concerns are named, then changed
  what=$1 program=$2 value=$3; shift 3
  find "$path" ! -type l "$@" | while IFS= read -r one; do change "$what of $one to $value"; done
  [ -n "$dry" ] || find "$path" ! -type l "$@" -exec "$program" -- "$value" {} + >&2
}
[ -z "$owner" ] || below owner chown "$owner" ! -user "$owner"
[ -z "$group" ] || below group chgrp "$group" ! -group "$group"
[ -z "$mode" ] || below mode chmod "$mode" ! -type d ! -perm "$mode"
[ -z "$folders" ] || below mode chmod "$folders" -type d ! -perm "$folders"`

export const filePermissions = operation({
  name: 'file.permissions',
  doc: 'Makes a file or folder have this mode, owner and group; with `recursive` also all below it.',
  input: Type.Object(
    {
      path: Path({ examples: ['/srv/app'] }),
      mode: Type.Optional(Mode({ description: 'with `recursive`: of files' })),
      directoryMode: Type.Optional(Mode({ description: 'with `recursive`: of folders', examples: ['0755'] })),
      owner: Type.Optional(Account()),
      group: Type.Optional(Account()),
      recursive: Type.Optional(Type.Boolean()),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { path, mode, directoryMode, owner, group, recursive } = input
      const variables = { path, owner, group, recursive, mode: plainMode(mode), folders: plainMode(directoryMode) }
      return changeScript(input, variables, treeBody)
    },
    ...changeAnswer,
  },
})
