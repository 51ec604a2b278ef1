import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Path } from '../text.ts'

export const Name = Type.String({ pattern: '^[a-z_][a-z0-9_.-]{0,31}$', examples: ['deploy'] })
const Id = Type.Integer({ minimum: 0, maximum: 4_294_967_294 })

/** What passwd, shadow and group say; busybox has no usermod, so there only new users and members are possible. */
const known = `entry() { awk -F : -v name="$2" '$1 == name' "/etc/$1"; }
field() { printf '%s' "$1" | cut -d : -f "$2"; }
gid_of() { case $1 in *[!0-9]*) field "$(entry group "$1")" 3 ;; *) echo "$1" ;; esac; }
modify() { command -v usermod >/dev/null || fail "cannot change $name: usermod is not here"; act usermod "$@" -- "$name"; }
in_group() { case ,$(field "$(entry group "$1")" 4), in *",$name,"*) ;; *) return 1 ;; esac; }`

const ensureBody = `now=$(entry passwd "$name")
if [ -z "$now" ]; then
  change "create user $name"
  if command -v useradd >/dev/null; then
    set -- \${system:+-r} \${uid:+-u "$uid"} \${home:+-d "$home"} \${shell:+-s "$shell"} \${comment:+-c "$comment"}
    if [ -n "$primary" ]; then set -- "$@" -g "$primary"; elif [ -n "$(entry group "$name")" ]; then set -- "$@" -g "$name"; fi
    if [ -n "$nohome" ]; then set -- "$@" -M; else set -- "$@" -m; fi
    act useradd "$@" -- "$name"
  else
    act adduser -D \${system:+-S} \${nohome:+-H} \${uid:+-u "$uid"} \${home:+-h "$home"} \${shell:+-s "$shell"} \${comment:+-g "$comment"} \${primary:+-G "$primary"} "$name"
  fi
else
  differs() { [ -n "$2" ] && [ "$(field "$now" "$1")" != "$2" ] && change "$3 of $name from $(field "$now" "$1") to $2"; }
  ! differs 3 "$uid" uid || modify -u "$uid"
  ! differs 5 "$comment" comment || modify -c "$comment"
  ! differs 6 "$home" home || modify -d "$home"
  ! differs 7 "$shell" shell || modify -s "$shell"
  if [ -n "$primary" ]; then
    wanted=$(gid_of "$primary")
    [ -n "$wanted" ] || fail "there is no group $primary"
    [ "$(field "$now" 4)" = "$wanted" ] || { change "group of $name to $primary"; modify -g "$primary"; }
  fi
fi
for one in $groups; do
  [ -n "$(entry group "$one")" ] || fail "there is no group $one"
  in_group "$one" || {
    change "$name into group $one"
    if command -v usermod >/dev/null; then act usermod -a -G "$one" -- "$name"; else act addgroup "$name" "$one"; fi
  }
done
[ -n "$locked" ] || exit 0
word=$(field "$(entry shadow "$name")" 2)
case $locked,$word in
  true,!* | true,\\** | false,[!!]* | false,) ;;
  true,*) change "lock the password of $name"; act passwd -l "$name" ;;
  false,*) change "unlock the password of $name"; act passwd -u "$name" ;;
esac`

export const userEnsure = operation({
  name: 'user.ensure',
  doc: 'Makes a user be there, with this id, home, shell and these groups. Passwords are only locked or unlocked.',
  input: Type.Object(
    {
      name: Name,
      uid: Type.Optional(Id),
      group: Type.Optional(
        Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$', description: 'the primary one' }),
      ),
      groups: Type.Optional(Type.Array(Name, { maxItems: 64, description: 'is made a member of these; others stay' })),
      comment: Type.Optional(Type.String({ pattern: '^[^:\\u0000\\r\\n]*$', maxLength: 256 })),
      home: Type.Optional(Path()),
      createHome: Type.Optional(Type.Boolean({ description: 'of a new user; default true' })),
      shell: Type.Optional(Path({ examples: ['/bin/bash'] })),
      system: Type.Optional(Type.Boolean({ description: 'a new one gets an id for services' })),
      locked: Type.Optional(Type.Boolean({ description: 'whether its password is' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { name, uid, group, groups = [], comment, home, createHome = true, shell, system, locked } = input
      const variables = { name, uid, primary: group, groups: groups.join(' '), comment, home, shell, system }
      const more = { nohome: !createHome, locked: locked === undefined ? '' : String(locked) }
      return changeScript(input, { ...variables, ...more }, `group=\n${known}\n${ensureBody}`)
    },
    ...changeAnswer,
  },
})

export const userRemove = operation({
  name: 'user.remove',
  doc: 'Makes a user not be there; its home only with `removeHome`. Never the one with id 0.',
  input: Type.Object(
    {
      name: Name,
      removeHome: Type.Optional(Type.Boolean({ description: 'also its home and mail' })),
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
        { name: input.name, home: input.removeHome },
        `${known}
now=$(entry passwd "$name")
[ -n "$now" ] || exit 0
[ "$(field "$now" 3)" != 0 ] || fail "$name has id 0 and is not removed"
change "remove user $name"
if command -v userdel >/dev/null; then act userdel \${home:+-r} -- "$name"; else act deluser \${home:+--remove-home} "$name"; fi`,
      ),
    ...changeAnswer,
  },
})

export const groupEnsure = operation({
  name: 'group.ensure',
  doc: 'Makes a group be there, with this id.',
  input: Type.Object(
    { name: Name, gid: Type.Optional(Id), system: Type.Optional(Type.Boolean()), ...changeInput },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input =>
      changeScript(
        input,
        { name: input.name, gid: input.gid, system: input.system },
        `${known}
now=$(entry group "$name")
if [ -z "$now" ]; then
  change "create group $name"
  if command -v groupadd >/dev/null; then act groupadd \${system:+-r} \${gid:+-g "$gid"} -- "$name"
  else act addgroup \${system:+-S} \${gid:+-g "$gid"} "$name"
  fi
elif [ -n "$gid" ] && [ "$(field "$now" 3)" != "$gid" ]; then
  change "id of group $name from $(field "$now" 3) to $gid"
  act groupmod -g "$gid" -- "$name"
fi`,
      ),
    ...changeAnswer,
  },
})

export const groupRemove = operation({
  name: 'group.remove',
  doc: 'Makes a group not be there. Never the one with id 0.',
  input: Type.Object({ name: Name, ...changeInput }, { additionalProperties: false }),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input =>
      changeScript(
        input,
        { name: input.name },
        `${known}
now=$(entry group "$name")
[ -n "$now" ] || exit 0
[ "$(field "$now" 3)" != 0 ] || fail "$name has id 0 and is not removed"
change "remove group $name"
if command -v groupdel >/dev/null; then act groupdel -- "$name"; else act delgroup "$name"; fi`,
      ),
    ...changeAnswer,
  },
})
