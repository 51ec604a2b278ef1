import { Type, type Static } from '@re-ops/pipelines'
import { oneOf } from '../one-of.ts'

/** Inputs of what looks for a port or an address from the host. None may begin with a dash, so none is an option. */
export const HostName = Type.String({
  pattern: '^[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,252}$',
  description: 'a name or an address, as the host resolves it',
  examples: ['db-1.internal', '10.0.0.5'],
})
export const Port = Type.Integer({ minimum: 1, maximum: 65_535 })
export const Url = Type.String({
  pattern: '^https?://[^/@\\s]+(/\\S*)?$',
  maxLength: 4096,
  description: 'http or https; one with a password in it is refused',
  examples: ['http://127.0.0.1:8080/health'],
})

/** `probe_port HOST PORT SECONDS`: 0 when something accepts, else 1 and `$why`. bash (part of every Debian) or nc. */
export const portProbe = `probe_port() {
  if command -v bash >/dev/null 2>&1; then
    why=$(timeout "$3" bash -c 'exec 3<>"/dev/tcp/$1/$2"' bash "$1" "$2" 2>&1) && return 0
    [ "$?" -ne 124 ] || why="timed out after $3 s"
  elif command -v nc >/dev/null 2>&1; then
    case $(nc -h 2>&1) in
      *BusyBox*) why=$(nc -w "$3" "$1" "$2" -e true 2>&1 </dev/null) && return 0;; # has no -z
      *) why=$(nc -z -w "$3" "$1" "$2" 2>&1 </dev/null) && return 0;;
    esac
  else
    echo "neither bash nor nc is installed" >&2; exit 127
  fi
  why=$(echo "\${why:-"closed, or no answer within $3 s"}" | head -n 1)
  return 1
}`

/**
 * `probe_http URL SECONDS METHOD FOLLOW INSECURE` (the last two `y` or empty): 0 when anything answers, with `$status $seconds
 * $bytes $address` (or `-`), else 1 and `$why`. curl, or wget (which always follows, and never says how long it took).
 */
export const httpProbe = `probe_http() {
  if command -v curl >/dev/null 2>&1; then
    set -- "$1" "$2" "$3" "\${4:+-L}" "\${5:+-k}"
    why=$(curl -sS -m "$2" $([ "$3" = HEAD ] && echo -I) $4 $5 -o /dev/null -w '%{http_code} %{time_total} %{size_download} %{remote_ip}\\n' "$1" 2>&1) && {
      answer=$why; return 0; }
    why=$(echo "$why" | grep -m 1 '^curl: ') # curl: (7) ...: the number is what is read
    return 1
  elif command -v wget >/dev/null 2>&1; then
    why=$(wget -S -O /dev/null -T "$2" $([ "$3" = HEAD ] && echo --spider) \${5:+--no-check-certificate} "$1" 2>&1)
    answer=$(echo "$why" | sed -n 's/^ *HTTP\\/[0-9.]* \\([0-9]*\\).*/\\1 - - -/p' | tail -n 1)
    [ -z "$answer" ] || return 0
    why=$(echo "$why" | tail -n 1)
    return 1
  else
    echo "neither curl nor wget is installed" >&2; exit 127
  fi
}`

/** Whole seconds of a limit, for programs that know no smaller unit. */
export const wholeSeconds = (ms: number): string => String(Math.max(1, Math.ceil(ms / 1000)))

export const Reason = oneOf(['refused', 'not resolved', 'timeout', 'unreachable', 'certificate', 'failed'], {
  description: 'why not',
})
export type Reason = Static<typeof Reason>

const reasons: readonly (readonly [RegExp, Reason])[] = [
  [/^curl: \(6\)/, 'not resolved'],
  [/^curl: \(7\)/, 'refused'],
  [/^curl: \(28\)/, 'timeout'],
  [/^curl: \((35|51|58|60)\)/, 'certificate'],
  [/refused/i, 'refused'],
  [/not known|not resolve|bad address|no address|name resolution|invalid argument/i, 'not resolved'],
  [/timed? ?out/i, 'timeout'],
  [/unreachable|no route/i, 'unreachable'],
  [/certificate|ssl|tls/i, 'certificate'],
]

/** One of a few words for what programs say in many. */
export const reasonOf = (text: string): Reason => reasons.find(([pattern]) => pattern.test(text))?.[1] ?? 'failed'
