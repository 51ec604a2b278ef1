import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomes } from '../become.ts'
import { Change, changeInput, changeScript, changesIn, changeTraits } from '../change.ts'
import { sections } from '../sections.ts'
import { tabbed } from '../text.ts'
import { Manager, managerInput, managerOf, managerScript, PackageName } from './manager.ts'

const Version = Type.Union([Type.String(), Type.Null()])
const Touched = Type.Object({ name: Type.String(), from: Version, to: Version })
const Output = Type.Object({
  manager: Manager,
  ...Change.properties,
  packages: Type.Array(Touched, {
    description: 'each that came (from null), went (to null) or has another version now',
  }),
})
type Touched = Static<typeof Touched>

const names = Type.Array(PackageName, { minItems: 1, maxItems: 256, examples: [['curl']] })
const changing = {
  waitSeconds: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 3600, description: 'for another program that holds the lock; default 120' }),
  ),
  ...managerInput,
  ...changeInput,
}

/**
 * Nobody is asked; configuration files that were changed by hand stay. A lock is waited for: apt by itself for dpkg's, here for
 * that of its lists; zypper and apk when told; dnf always, as long as the call may take.
 */
const commands = `DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l ZYPP_LOCK_TIMEOUT=$wait
export DEBIAN_FRONTEND NEEDRESTART_MODE ZYPP_LOCK_TIMEOUT
work=$(mktemp -d "\${TMPDIR:-/tmp}/.reops-XXXXXX")
trap 'rm -rf -- "$work"' EXIT
apt() {
  apt-get -y -q -o "DPkg::Lock::Timeout=$wait" -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \\
    -o APT::Update::Error-Mode=any -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}
zypp() { zypper -q --non-interactive "$@" </dev/null >&2; }
refresh() {
  case $manager in
    apt)
      until apt update 2>"$work/said"; do
        grep -q 'Could not get lock' "$work/said" && [ "$wait" -gt 0 ] || { cat "$work/said" >&2; return 1; }
        wait=$((wait - 2)); sleep 2
      done ;;
    dnf) dnf -q -y makecache </dev/null >&2 ;;
    apk) apk -q --wait "$wait" update </dev/null >&2 ;;
    zypper) zypp --gpg-auto-import-keys refresh ;;
  esac
}
present() {
  awk -F '\\t' -v n="$1" 'n == $1 || n == $1 "=" $2 || n == $1 "-" $2 || n == $1 ":" $3 || n == $1 "." $3 { found = 1 } END { exit !found }' "$work/before"
}
told() {
  installed >"$work/after"
  awk -F '\\t' '{ k = $1 "\\t" $3 } side == "before" { was[k] = was[k] "," $2; next } { is[k] = is[k] "," $2 }
    END {
      for (k in is) if (!(k in was)) told(k, "-", is[k]); else if (was[k] != is[k]) told(k, was[k], is[k])
      for (k in was) if (!(k in is)) told(k, was[k], "-")
    }
    function told(k, from, to) { sub(/\\t.*/, "", k); sub(/^,/, "", from); sub(/^,/, "", to); print k "\\t" from "\\t" to }' side=before "$work/before" side=after "$work/after" | sort
}
installed >"$work/before"`

const installBody = `missing=
for name; do present "$name" || missing="$missing $name"; done
echo "== packages"
[ -n "$missing" ] || exit 0
if [ -n "$dry" ]; then for name in $missing; do change "install $name"; done; exit 0; fi
[ -z "$refresh" ] || refresh
case $manager in
  apt) apt install -- $missing ;;
  dnf) dnf -q -y install $missing </dev/null >&2 ;;
  apk) apk -q --wait "$wait" add $missing </dev/null >&2 ;;
  zypper) zypp install --auto-agree-with-licenses $missing ;;
esac
told`

const removeBody = `there=
for name; do ! present "$name" || there="$there $name"; done
echo "== packages"
[ -n "$there" ] || exit 0
if [ -n "$dry" ]; then for name in $there; do change "remove $name"; done; exit 0; fi
case $manager in
  apt) if [ -n "$purge" ]; then apt purge -- $there; else apt remove -- $there; fi ;;
  dnf) dnf -q -y remove $there </dev/null >&2 ;;
  apk) apk -q --wait "$wait" \${purge:+--purge} del $there </dev/null >&2 ;;
  zypper) zypp remove $there ;;
esac
told`

/** Names that are not installed are left alone: an upgrade installs nothing that nobody asked for. */
const upgradeBody = `there=
for name; do present "$name" || continue; there="$there $name"; done
echo "== packages"
[ $# -eq 0 ] || [ -n "$there" ] || exit 0
if [ -n "$dry" ]; then
  case $manager in
    apt) if [ $# -eq 0 ]; then apt-get -s -o Debug::NoLocking=1 upgrade; else apt-get -s -o Debug::NoLocking=1 install --only-upgrade -- $there; fi |
      sed -n 's/^Inst \\([^ ]*\\) \\[\\([^]]*\\)\\] (\\([^ ]*\\) .*/upgrade \\1 from \\2 to \\3/p' ;;
    dnf) dnf -q -C repoquery --upgrades --latest-limit 1 --qf 'upgrade %{name} to %{version}-%{release}\\n' $there | grep . || : ;;
    apk) apk -s upgrade $there | sed -n 's/^([0-9/]*) Upgrading \\([^ ]*\\) (\\(.*\\) -> \\(.*\\))$/upgrade \\1 from \\2 to \\3/p' ;;
    zypper) zypper -q --non-interactive --no-refresh list-updates | awk -F ' *[|] *' -v names="$there " '$1 ~ /^v/ && (names == " " || index(names, " " $3 " ")) { print "upgrade " $3 " from " $4 " to " $5 }' ;;
  esac >"$work/would"
  while IFS= read -r one; do change "$one"; done <"$work/would"
  exit 0
fi
[ -z "$refresh" ] || refresh
case $manager in
  apt) if [ $# -eq 0 ]; then apt upgrade; else apt install --only-upgrade -- $there; fi ;;
  dnf) dnf -q -y upgrade $there </dev/null >&2 ;;
  apk) if [ $# -eq 0 ]; then apk -q --wait "$wait" upgrade; else apk -q --wait "$wait" add -u $there; fi </dev/null >&2 ;;
  zypper) zypp update --auto-agree-with-licenses $there ;;
esac
told`

type Input = { manager?: string; waitSeconds?: number; refresh?: boolean; purge?: boolean; dry?: boolean }

const script = (input: Input, body: string, words: readonly string[]) => {
  const { manager, waitSeconds = 120, refresh, purge } = input
  return changeScript(
    input,
    { manager, wait: waitSeconds, refresh, purge },
    `${managerScript}\n${commands}\n${body}`,
    words,
  )
}

const inWords = ({ name, from, to }: Touched): string => {
  if (from === null) return `install ${name} ${to}`
  return to === null ? `remove ${name} ${from}` : `change ${name} from ${from} to ${to}`
}

const parse = ({ stdout }: { stdout: string }, input: Input): Static<typeof Output> => {
  const parts = sections(stdout)
  const manager = managerOf(parts.get('manager'))
  if (input.dry === true) return { manager, ...changesIn(stdout, input), packages: [] }
  const none = (version: string | undefined) => (version === undefined || version === '-' ? null : version)
  const packages = tabbed(parts.get('packages'), 3).map(([name = '', from, to]) => ({
    name,
    from: none(from),
    to: none(to),
  }))
  return { manager, changed: packages.length > 0, changes: packages.map(inWords), packages }
}

export const packageInstall = operation({
  name: 'package.install',
  doc: 'Makes packages be installed; nothing is done when they are.',
  input: Type.Object(
    {
      names,
      refresh: Type.Optional(Type.Boolean({ description: 'the package lists first, if something is to be installed' })),
      ...changing,
    },
    { additionalProperties: false },
  ),
  output: Output,
  idempotent: true,
  ...changeTraits,
  shell: { script: input => script(input, installBody, input.names), ...becomes, parse },
})

export const packageRemove = operation({
  name: 'package.remove',
  doc: 'Makes packages not be installed.',
  input: Type.Object(
    { names, purge: Type.Optional(Type.Boolean({ description: 'also its configuration (apt, apk)' })), ...changing },
    { additionalProperties: false },
  ),
  output: Output,
  idempotent: true,
  ...changeTraits,
  shell: { script: input => script(input, removeBody, input.names), ...becomes, parse },
})

export const packageUpgrade = operation({
  name: 'package.upgrade',
  doc: 'Upgrades these packages, or all; installs none that are not there.',
  input: Type.Object(
    {
      names: Type.Optional(names),
      refresh: Type.Optional(Type.Boolean({ description: 'the package lists first' })),
      ...changing,
    },
    { additionalProperties: false },
  ),
  output: Output,
  idempotent: true,
  ...changeTraits,
  shell: { script: input => script(input, upgradeBody, input.names ?? []), ...becomes, parse },
})

export const packageRefresh = operation({
  name: 'package.refresh',
  doc: 'Fetches the lists of packages anew.',
  input: Type.Object(changing, { additionalProperties: false }),
  output: Output,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input =>
      script(
        input,
        'echo "== packages"\nif [ -n "$dry" ]; then change "refresh the package lists"; else refresh; fi',
        [],
      ),
    ...becomes,
    parse: (left, input) => {
      const done = parse(left, input)
      return input.dry === true ? done : { ...done, changed: true, changes: ['refresh the package lists'] }
    },
  },
})
