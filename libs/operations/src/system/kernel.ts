import { operation, Type, type Static } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { Line, lines, numberOrNull, tabbed } from '../text.ts'

const Module = Type.Object({
  name: Type.String(),
  sizeBytes: Type.Integer(),
  uses: Type.Union([Type.Integer(), Type.Null()], { description: 'null when the kernel does not count' }),
  usedBy: Type.Array(Type.String()),
  state: Type.String({ examples: ['Live'] }),
})
type Module = Static<typeof Module>

export const kernelModules = operation({
  name: 'kernel.modules',
  doc: 'The modules that the kernel has loaded.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Module),
  reads: true,
  shell: {
    // A kernel without modules has no such file.
    script: () => scriptWith({}, '[ ! -e /proc/modules ] || sort /proc/modules'),
    parse: ({ stdout }) =>
      lines(stdout).map((line): Module => {
        const [name = '', size, uses, usedBy = '', state = ''] = line.split(' ')
        const sizeBytes = numberOrNull(size)
        if (sizeBytes === null) throw new Error(`no module in ${JSON.stringify(line.slice(0, 80))}`)
        const others = usedBy.split(',').filter(one => one !== '' && one !== '-')
        return { name, sizeBytes, uses: numberOrNull(uses), usedBy: others, state }
      }),
  },
  varies: { uses: 'any' },
  display: {
    rows: found => found,
    columns: [
      { title: 'MODULE', get: (m: Module) => m.name },
      { title: 'SIZE', get: (m: Module) => bytes(m.sizeBytes) },
      { title: 'USED BY', get: (m: Module) => m.usedBy.join(' ') },
    ],
  },
})

const Key = Type.String({
  pattern: '^[a-z0-9_-]+([./][A-Za-z0-9_:@*-]+)+$',
  maxLength: 256,
  description: 'between dots, or between slashes when a part has a dot in it',
  examples: ['vm.swappiness'],
})
const Setting = Type.Object({
  key: Type.String(),
  value: Type.String({ description: 'blanks between parts made one' }),
})
type Setting = Static<typeof Setting>

/** Names are looked up in /proc/sys, which is what sysctl(8) does. */
const fileOf = `file_of() { case $1 in */*) echo "/proc/sys/$1" ;; *) echo "/proc/sys/$(printf %s "$1" | tr . /)" ;; esac; }
value_of() { tr '\\t' ' ' <"$1" | tr -s ' ' | sed 's/ $//'; }`

export const sysctlGet = operation({
  name: 'sysctl.get',
  doc: 'Settings of the kernel (sysctl).',
  input: Type.Object(
    { keys: Type.Array(Key, { minItems: 1, maxItems: 100, examples: [['vm.swappiness']] }) },
    { additionalProperties: false },
  ),
  output: Type.Array(Setting),
  reads: true,
  shell: {
    script: ({ keys }) =>
      scriptWith(
        {},
        `${fileOf}
for key; do
  file=$(file_of "$key")
  [ -f "$file" ] || fail "the kernel has no setting $key"
  printf '%s\\t%s\\n' "$key" "$(value_of "$file" | tr '\\n' ' ' | sed 's/ $//')"
done`,
        keys,
      ),
    parse: ({ stdout }) => tabbed(stdout, 2).map(([key = '', value = '']) => ({ key, value })),
  },
  display: {
    rows: found => found,
    columns: [
      { title: 'KEY', get: (s: Setting) => s.key },
      { title: 'VALUE', get: (s: Setting) => s.value },
    ],
  },
})

export const sysctlSet = operation({
  name: 'sysctl.set',
  doc: 'Makes a setting of the kernel have a value, now and (unless told) after its next start.',
  input: Type.Object(
    {
      key: Key,
      value: Line({ examples: ['10'] }),
      persist: Type.Optional(Type.Boolean({ description: 'in /etc/sysctl.d/60-re-ops.conf; default true' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { key, value, persist = true } = input
      return changeScript(
        input,
        { key, value, persist },
        `${fileOf}
file=$(file_of "$key")
[ -f "$file" ] || fail "the kernel has no setting $key"
now=$(value_of "$file")
if [ "$now" != "$value" ]; then
  change "$key from $now to $value"
  [ -n "$dry" ] || printf '%s\\n' "$value" >"$file"
fi
[ -n "$persist" ] || exit 0
kept=/etc/sysctl.d/60-re-ops.conf
if [ ! -d /etc/sysctl.d ]; then change "create folder /etc/sysctl.d"; act mkdir -p /etc/sysctl.d; fi
draft "$kept"
export key value
{ [ ! -e "$kept" ] || cat "$kept"; } | awk -F ' *= *' '$1 == ENVIRON["key"] { if (!done) print $1 " = " ENVIRON["value"]; done = 1; next } { print } END { if (!done) print ENVIRON["key"] " = " ENVIRON["value"] }' >"$draft"
place "$draft" "$kept"`,
      )
    },
    ...changeAnswer,
  },
})
