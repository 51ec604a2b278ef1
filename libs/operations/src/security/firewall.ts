import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { oneOf } from '../one-of.ts'
import { present } from '../present.ts'
import { plain } from '../script.ts'
import { sections } from '../sections.ts'

/**
 * nft shows the rules of nft, of iptables when that is built on nf_tables, and of ufw and firewalld, which use one of the two.
 * Legacy iptables has tables of its own. Both need root; being refused is a failure, not "no rules".
 */
const script = `${plain}
echo "== tools"; for one in nft iptables ufw firewall-cmd; do command -v $one >/dev/null 2>&1 && echo "$one"; done
legacy=; iptables -V 2>/dev/null | grep -q nf_tables || legacy=y
echo "== ufw"; ufw status 2>/dev/null | head -n 1
echo "== firewalld"; firewall-cmd --state 2>/dev/null
echo "== nft"; if command -v nft >/dev/null 2>&1; then nft list ruleset || exit 1; else legacy=y; fi
if [ -n "$legacy" ] && command -v iptables-save >/dev/null 2>&1; then
  echo "== iptables"; iptables-save -c || exit 1
  echo "== iptablessix"; ip6tables-save -c 2>/dev/null
fi
:`

const Rule = Type.Object({
  tool: oneOf(['nft', 'iptables', 'ip6tables']),
  table: Type.String({ examples: ['inet filter'] }),
  chain: Type.String({ examples: ['input'] }),
  rule: Type.String(),
  packets: Type.Optional(Type.Integer({ minimum: 0, description: 'that matched, where the rule counts' })),
  bytes: Type.Optional(Type.Integer({ minimum: 0 })),
})
type Rule = Static<typeof Rule>
type Chain = { readonly table: string; readonly chain: string; readonly hook: string; readonly policy: string }
type Found = { readonly rules: Rule[]; readonly chains: Chain[] }

/** The text of `nft list ruleset`: tables hold chains hold rules, one tab deeper each. */
const fromNft = (text: string): Found => {
  const found: Found = { rules: [], chains: [] }
  let [table, chain] = ['', '']
  for (const line of text.split('\n')) {
    const base = /^\t\ttype \S+ hook (\S+) .*?(?:policy (\w+);)?\s*$/.exec(line)
    if (line.startsWith('table ')) table = line.replace(/^table (.*) \{.*$/, '$1')
    else if (line.startsWith('\tchain ')) chain = line.replace(/^\tchain (\S+) \{.*$/, '$1')
    else if (line.startsWith('\t}')) chain = ''
    else if (chain !== '' && base) found.chains.push({ table, chain, hook: base[1] ?? '', policy: base[2] ?? 'accept' })
    else if (chain !== '' && line.startsWith('\t\t')) found.rules.push(nftRule(table, chain, line.trim()))
  }
  return found
}

const nftRule = (table: string, chain: string, text: string): Rule => {
  const counter = /counter packets (\d+) bytes (\d+)/.exec(text)
  return present({
    tool: 'nft' as const,
    table,
    chain,
    rule: text.replace(/counter packets \d+ bytes \d+/, 'counter'),
    packets: counter ? Number(counter[1]) : undefined,
    bytes: counter ? Number(counter[2]) : undefined,
  })
}

/** The text of `iptables-save -c`: `*table`, `:CHAIN POLICY [packets:bytes]`, `[packets:bytes] -A CHAIN ...`. */
const fromSave = (text: string, tool: 'iptables' | 'ip6tables'): Found => {
  const found: Found = { rules: [], chains: [] }
  let table = ''
  for (const line of text.split('\n')) {
    const chain = /^:(\S+) (ACCEPT|DROP) /.exec(line)
    const rule = /^\[(\d+):(\d+)\] -A (\S+) (.*)$/.exec(line)
    if (line.startsWith('*')) table = line.slice(1)
    else if (chain)
      found.chains.push({
        table,
        chain: chain[1] ?? '',
        hook: (chain[1] ?? '').toLowerCase(),
        policy: (chain[2] ?? '').toLowerCase(),
      })
    else if (rule) {
      const [, packets, bytes, name = '', words = ''] = rule
      found.rules.push({ tool, table, chain: name, rule: words, packets: Number(packets), bytes: Number(bytes) })
    }
  }
  return found
}

const read = (stdout: string) => {
  const parts = sections(stdout)
  const nft = fromNft(partOf(stdout, 'nft'))
  const four = fromSave(parts.get('iptables') ?? '', 'iptables')
  const six = fromSave(parts.get('iptablessix') ?? '', 'ip6tables')
  return {
    parts,
    nft,
    legacy: [...four.rules, ...six.rules],
    rules: [...nft.rules, ...four.rules, ...six.rules],
    chains: [...nft.chains, ...four.chains.filter(one => one.table === 'filter')],
  }
}
/** A part as it is: `sections` trims, and the tabs of the first line count here. */
const partOf = (stdout: string, name: string) => {
  const begin = stdout.indexOf(`== ${name}\n`)
  return begin < 0 ? '' : (stdout.slice(begin + name.length + 4).split(/^== /m)[0] ?? '')
}

const makers = ['ufw', 'firewalld', 'nft', 'iptables', 'none'] as const
const Policy = Type.Optional(oneOf(['accept', 'drop']))

export const firewallState = operation({
  name: 'firewall.state',
  doc: 'Which firewall is in force on the host, how many rules it has, what happens to packets that match none.',
  input: Type.Object(becomeInput, { additionalProperties: false }),
  output: Type.Object({
    active: oneOf(makers, {
      description: 'who made the rules; none when there are no rules and everything is accepted',
    }),
    rules: Type.Integer({ minimum: 0 }),
    input: Policy,
    forward: Policy,
    output: Policy,
    tools: Type.Array(Type.String(), { description: 'that are installed' }),
  }),
  reads: true,
  shell: {
    script: () => script,
    ...becomes,
    parse: ({ stdout }) => {
      const { parts, rules, legacy, chains } = read(stdout)
      const policy = (hook: string) => {
        const all = chains.filter(one => one.hook === hook).map(one => one.policy)
        return all.length === 0 ? undefined : all.includes('drop') ? ('drop' as const) : ('accept' as const)
      }
      const closed = chains.some(one => one.policy === 'drop')
      const active = (): (typeof makers)[number] => {
        if (parts.get('ufw') === 'Status: active') return 'ufw'
        if (parts.get('firewalld') === 'running') return 'firewalld'
        if (rules.length === 0 && !closed) return 'none'
        return legacy.length > 0 ? 'iptables' : 'nft'
      }
      return present({
        active: active(),
        rules: rules.length,
        input: policy('input'),
        forward: policy('forward'),
        output: policy('output'),
        tools: (parts.get('tools') ?? '').split('\n').filter(Boolean),
      })
    },
  },
  summary: { active: ['histogram'], rules: ['min', 'max'], input: ['histogram'] },
  display: {
    columns: [
      { title: 'FIREWALL', get: f => f.active },
      { title: 'RULES', get: f => String(f.rules) },
      { title: 'INPUT', get: f => f.input ?? '-' },
      { title: 'FORWARD', get: f => f.forward ?? '-' },
      { title: 'OUTPUT', get: f => f.output ?? '-' },
    ],
  },
})

export const firewallRules = operation({
  name: 'firewall.rules',
  doc: 'The rules of the firewall, one by one, with what they counted.',
  input: Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'how many; default 1000' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ total: Type.Integer({ minimum: 0 }), rules: Type.Array(Rule) }),
  reads: true,
  shell: {
    script: () => script,
    ...becomes,
    parse: ({ stdout }, { limit = 1000 }) => {
      const { rules } = read(stdout)
      return { total: rules.length, rules: rules.slice(0, limit) }
    },
  },
  varies: { 'rules.packets': 'any', 'rules.bytes': 'any' },
  summary: { total: ['min', 'max'] },
  display: {
    rows: found => found.rules,
    columns: [
      { title: 'TABLE', get: (one: Rule) => one.table },
      { title: 'CHAIN', get: (one: Rule) => one.chain },
      { title: 'RULE', get: (one: Rule) => one.rule },
      { title: 'PACKETS', get: (one: Rule) => String(one.packets ?? '-') },
    ],
  },
})
