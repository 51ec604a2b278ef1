import { operation, Type, type Static } from '@re-ops/pipelines'
import { present } from '../present.ts'
import { sections } from '../sections.ts'

const State = Type.Union([
  Type.Literal('not affected'),
  Type.Literal('mitigated'),
  Type.Literal('vulnerable'),
  Type.Literal('unknown'),
])
const Vulnerability = Type.Object({
  name: Type.String({ examples: ['spectre_v2'] }),
  state: State,
  detail: Type.String({ description: 'as the kernel says it' }),
})
type Vulnerability = Static<typeof Vulnerability>

/** Flags of /proc/cpuinfo by which the processor helps against them. */
const relevant = new Set(
  'pti ibrs ibrs_enhanced ibpb stibp ssbd virt_ssbd md_clear flush_l1d arch_capabilities rfds_clear smep smap srso_no rtm'.split(
    ' ',
  ),
)

const script = `echo "== found"; cd /sys/devices/system/cpu/vulnerabilities 2>/dev/null && grep . * /dev/null
echo "== cpu"; grep -m 1 -E "^(flags|Features)[[:space:]]*:" /proc/cpuinfo; grep -m 1 "^bugs" /proc/cpuinfo; grep -m 1 "^microcode" /proc/cpuinfo
:`

/** "KVM: Mitigation: Split huge pages", "Mitigation: Clear CPU buffers; SMT vulnerable": the first word after the part it is about. */
const stateOf = (detail: string): Static<typeof State> => {
  const text = detail.replace(/^[A-Z]+: /, '')
  if (text.startsWith('Not affected')) return 'not affected'
  if (text.startsWith('Mitigation')) return 'mitigated'
  return /^(Processor )?[Vv]ulnerable/.test(text) ? 'vulnerable' : 'unknown'
}

const words = (cpu: string, name: RegExp) => (name.exec(cpu)?.[1] ?? '').split(' ').filter(Boolean)

export const securityVulnerabilities = operation({
  name: 'security.vulnerabilities',
  doc: 'What the kernel says about hardware vulnerabilities of the processor, and the flags that matter for them.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    vulnerable: Type.Integer({ minimum: 0, description: 'how many are neither mitigated nor absent' }),
    vulnerabilities: Type.Array(Vulnerability),
    flags: Type.Array(Type.String(), { description: 'of the processor, of those that matter here' }),
    bugs: Type.Array(Type.String(), { description: 'of the processor, as the kernel names them' }),
    microcode: Type.Optional(Type.String({ examples: ['0xf0'] })),
  }),
  reads: true,
  shell: {
    script: () => script,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const vulnerabilities = [...(parts.get('found') ?? '').matchAll(/^([a-z0-9_]+):(.*)$/gm)].map(
        ([, name = '', detail = '']) => ({ name, state: stateOf(detail), detail }),
      )
      if (vulnerabilities.length === 0)
        throw new Error(
          'the kernel has no /sys/devices/system/cpu/vulnerabilities (it is older than 4.15, or it is hidden)',
        )
      const cpu = parts.get('cpu') ?? ''
      return present({
        vulnerable: vulnerabilities.filter(one => one.state === 'vulnerable').length,
        vulnerabilities,
        flags: words(cpu, /^(?:flags|Features)\s*: (.*)$/m).filter(one => relevant.has(one)),
        bugs: words(cpu, /^bugs\s*: (.*)$/m),
        microcode: /^microcode\s*: (\S+)$/m.exec(cpu)?.[1],
      })
    },
  },
  summary: { vulnerable: ['min', 'max', 'histogram'], microcode: ['histogram'] },
  display: {
    rows: found => found.vulnerabilities,
    columns: [
      { title: 'NAME', get: (one: Vulnerability) => one.name },
      { title: 'STATE', get: (one: Vulnerability) => one.state },
      { title: 'DETAIL', get: (one: Vulnerability) => one.detail },
    ],
  },
})
