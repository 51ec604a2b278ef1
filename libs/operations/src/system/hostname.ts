import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'
import { lines } from '../text.ts'

export const hostnameGet = operation({
  name: 'hostname.get',
  doc: 'The name of the host, and its full name as its resolver says.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    hostname: Type.String(),
    fqdn: Type.Union([Type.String(), Type.Null()], { description: 'null when the name cannot be resolved' }),
  }),
  reads: true,
  shell: {
    script: () => scriptWith({}, 'uname -n\nhostname -f 2>/dev/null || :'),
    parse: ({ stdout }) => {
      const [hostname, fqdn = null] = lines(stdout)
      if (hostname === undefined) throw new Error('no name in the output')
      return { hostname, fqdn }
    },
  },
  varies: { hostname: 'host', fqdn: 'host' },
  display: {
    columns: [
      { title: 'NAME', get: h => h.hostname },
      { title: 'FULL NAME', get: h => h.fqdn ?? '-' },
    ],
  },
})

/** /etc/hosts is left alone: who needs the name there says so with file.line. */
const body = `if [ "$(uname -n)" != "$name" ]; then
  change "name from $(uname -n) to $name"
  if [ -d /run/systemd/system ] && command -v hostnamectl >/dev/null; then act hostnamectl set-hostname -- "$name"
  else act hostname "$name"
  fi
fi
if [ -n "$dry" ] || [ ! -d /run/systemd/system ]; then
  draft /etc/hostname
  printf '%s\\n' "$name" >"$draft"
  place "$draft" /etc/hostname
fi`

export const hostnameSet = operation({
  name: 'hostname.set',
  doc: 'Makes the host have this name, now and after its next start.',
  input: Type.Object(
    {
      name: Type.String({
        pattern: '^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$',
        maxLength: 64,
        examples: ['web-1'],
      }),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => changeScript(input, { name: input.name }, body),
    ...changeAnswer,
  },
})
