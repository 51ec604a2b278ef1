import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { HostName, Port, wholeSeconds } from '../network/probes.ts'
import { oneOf } from '../one-of.ts'
import { needs } from '../script.ts'
import { wholeNumber } from '../sections.ts'

const fields = {
  subject: Type.String({ examples: ['CN=www.example.org'] }),
  issuer: Type.String(),
  serial: Type.String({ description: 'hexadecimal' }),
  sha256: Type.String({ description: 'fingerprint, hexadecimal without colons' }),
  notBefore: Type.String({ format: 'date-time' }),
  notAfter: Type.String({ format: 'date-time' }),
  days: Type.Integer({ description: 'until it expires, on the clock of the host; negative when it has' }),
  names: Type.Array(Type.String(), { description: 'it is for, as in its SAN', examples: [['DNS:www.example.org']] }),
}
const Certificate = Type.Object(fields)
type Certificate = Static<typeof Certificate>

/** `describe` reads one certificate (PEM, then DER) from a file, or from standard input without one. */
const describe = `${needs('openssl')}
now=$(date -u +%s)
describe() {
  openssl x509 "$@" -noout -subject -issuer -serial -startdate -enddate -fingerprint -sha256 -ext subjectAltName -nameopt RFC2253,-esc_msb,utf8 2>/dev/null || return 1
  echo "now=$now"
}
describe_file() { describe -in "$1" || describe -inform DER -in "$1"; }`

/** Lines `key=value` of openssl and of the script. */
const certificateOf = (text: string): Certificate => {
  const values = new Map(
    text.split('\n').map(line => [line.split('=', 1)[0]?.trim() ?? '', line.slice(line.indexOf('=') + 1)]),
  )
  const value = (name: string) => values.get(name)?.trim() ?? ''
  const time = (name: string) => {
    const at = Date.parse(value(name))
    if (Number.isNaN(at)) throw new Error(`no ${name} in the output of openssl`)
    return at
  }
  const notAfter = time('notAfter')
  const fingerprint = [...values].find(([name]) => /^sha256 fingerprint$/i.test(name))?.[1] ?? ''
  return {
    subject: value('subject'),
    issuer: value('issuer'),
    serial: value('serial'),
    sha256: fingerprint.replaceAll(':', '').toLowerCase(),
    notBefore: new Date(time('notBefore')).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    days: Math.floor((notAfter / 1000 - wholeNumber(value('now'), 'time of the host')) / 86_400),
    names: (/Subject Alternative Name:.*\n\s+(.*)/.exec(text)?.[1] ?? '').split(', ').filter(Boolean),
  }
}

const columns = [
  { title: 'DAYS', get: (one: Certificate) => String(one.days) },
  { title: 'EXPIRES', get: (one: Certificate) => one.notAfter.slice(0, 10) },
  { title: 'SUBJECT', get: (one: Certificate) => one.subject },
  { title: 'NAMES', get: (one: Certificate) => one.names.join(', ') || '-' },
] as const
const Path = Type.String({ pattern: '^/[^\\u0000\\n]*$', maxLength: 4096 })
const daysVary = { tolerance: 0, absolute: 1 }

export const certificateFile = operation({
  name: 'certificate.file',
  doc: 'The (first) certificate in a file: whose it is, who signed it, when it expires.',
  input: Type.Object(
    { path: Type.String({ ...Path, examples: ['/etc/ssl/certs/site.pem'] }), ...becomeInput },
    { additionalProperties: false },
  ),
  output: Certificate,
  reads: true,
  shell: {
    script: () => `${describe}
[ -r "$1" ] || { echo "cannot read $1" >&2; exit 1; }
describe_file "$1" || { echo "no certificate in $1" >&2; exit 1; }`,
    args: input => [input.path],
    ...becomes,
    parse: ({ stdout }) => certificateOf(stdout),
  },
  varies: { days: daysVary },
  summary: { days: ['min', 'histogram'], issuer: ['histogram'] },
  display: { columns },
})

const Remote = Type.Object({
  ...fields,
  trusted: Type.Boolean({ description: 'by the certificates that this host trusts' }),
  verify: Type.String({ description: 'what openssl says of that', examples: ['ok', 'certificate has expired'] }),
  protocol: Type.String({ examples: ['TLSv1.3'] }),
})

export const certificateRemote = operation({
  name: 'certificate.remote',
  doc: 'The certificate that a server shows to this host, and whether the host trusts it.',
  input: Type.Object(
    {
      host: HostName,
      port: Type.Optional(Type.Integer({ ...Port, description: 'default 443' })),
      serverName: Type.Optional(Type.String({ ...HostName, description: 'asked for (SNI); default the host' })),
      starttls: Type.Optional(
        oneOf(['smtp', 'imap', 'pop3', 'ftp', 'ldap', 'postgres', 'mysql', 'xmpp'], {
          description: 'the protocol in which encryption is asked for first',
        }),
      ),
      timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 300_000, description: 'default 10000' })),
    },
    { additionalProperties: false },
  ),
  output: Remote,
  reads: true,
  shell: {
    script: () => `${describe}
host=$1 port=$2 name=$3 starttls=$4 seconds=$5
case $host in *:*) host="[$host]";; esac
said=$(timeout "$seconds" openssl s_client -connect "$host:$port" -servername "$name" \${starttls:+-starttls "$starttls"} </dev/null 2>&1)
code=$?
[ "$code" -ne 124 ] || { echo "no answer from $host:$port within $seconds s" >&2; exit 124; }
why=$(echo "$said" | sed -n 's/^[0-9A-F]*:error:[^:]*:[^:]*:[^:]*:\\([^:]*\\):.*/\\1/p' | head -n 1)
echo "$said" | describe || { echo "no certificate from $host:$port: \${why:-$(echo "$said" | head -n 1)}" >&2; exit 1; }
echo "verify=$(echo "$said" | sed -n 's/^ *Verif[a-z]* return code: [0-9]* (\\(.*\\))$/\\1/p' | head -n 1)"
echo "protocol=$(echo "$said" | sed -n -e 's/^New, \\(TLS[^,]*\\),.*/\\1/p' -e 's/^ *Protocol *: *//p' | tail -n 1)"`,
    args: ({ host, port = 443, serverName = host, starttls = '', timeoutMs = 10_000 }) => [
      host,
      String(port),
      serverName,
      starttls,
      wholeSeconds(timeoutMs),
    ],
    parse: ({ stdout }) => {
      const verify = /^verify=(.*)$/m.exec(stdout)?.[1] ?? ''
      const protocol = /^protocol=(.*)$/m.exec(stdout)?.[1] ?? ''
      return { ...certificateOf(stdout), trusted: verify === 'ok', verify, protocol }
    },
  },
  varies: { days: daysVary },
  summary: { days: ['min', 'histogram'], verify: ['histogram'], protocol: ['histogram'] },
  display: {
    columns: [
      ...columns,
      { title: 'TRUSTED', get: (one: Static<typeof Remote>) => (one.trusted ? 'yes' : `no: ${one.verify}`) },
    ],
  },
})

const Found = Type.Object({ path: Type.String(), ...fields })
type Found = Static<typeof Found>

export const certificateFind = operation({
  name: 'certificate.find',
  doc: 'The certificates in a folder and below it, those that expire first at the top.',
  input: Type.Object(
    {
      folder: Type.String({ ...Path, examples: ['/etc/letsencrypt/live'] }),
      days: Type.Optional(Type.Integer({ minimum: 0, description: 'only those that expire within so many days' })),
      depth: Type.Optional(Type.Integer({ minimum: 1, maximum: 32, description: 'of folders; default 4' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000, description: 'of files looked at; default 500' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Array(Found),
  reads: true,
  shell: {
    // Links are followed for what they point to (letsencrypt's are), so a file may come twice, by two paths.
    script: () => `${describe}
[ -d "$1" ] || { echo "$1 is not a folder" >&2; exit 1; }
find "$1" -maxdepth "$2" \\( -name '*.pem' -o -name '*.crt' -o -name '*.cer' -o -name '*.cert' -o -name '*.der' \\) ! -type d | sort | head -n "$3" |
while IFS= read -r one; do [ -f "$one" ] && found=$(describe_file "$one") && { echo "== certificate"; echo "path=$one"; echo "$found"; }; done
:`,
    args: ({ folder, depth = 4, limit = 500 }) => [folder, String(depth), String(limit)],
    ...becomes,
    parse: ({ stdout }, { days }) =>
      stdout
        .split(/^== certificate\n/m)
        .slice(1)
        .map(text => ({ path: /^path=(.*)$/m.exec(text)?.[1] ?? '', ...certificateOf(text) }))
        .filter(one => days === undefined || one.days <= days)
        .sort((a, b) => a.days - b.days || (a.path < b.path ? -1 : 1)),
  },
  varies: { days: daysVary },
  summary: { days: ['min', 'histogram'] },
  display: {
    rows: found => found,
    columns: [...columns, { title: 'PATH', get: (one: Found) => one.path }],
  },
})
