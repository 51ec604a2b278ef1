import { Type } from '@re-ops/pipelines'
import { oneOf } from '../text.ts'

export const managers = ['apt', 'dnf', 'apk', 'zypper'] as const
export type Manager = (typeof managers)[number]

export const managerInput = {
  manager: Type.Optional(oneOf(managers, { description: 'default: the one that is there' })),
}
/** Names only: no option, no blank, no glob. With a version as the manager writes it: `curl=7.88.1-10` (apt, apk), `curl-7.76.1-29.el9` (dnf). */
export const PackageName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9+._:~=-]*$',
  maxLength: 256,
  examples: ['curl'],
})
export const Manager = oneOf(managers)

export const managerOf = (text: string | undefined): Manager => {
  const found = managers.find(one => one === text)
  if (found === undefined) throw new Error('no package manager in the output')
  return found
}

/**
 * Which manager, and what is installed: lines of name, version, architecture. apk's data base is read as it is, as its output
 * has name and version in one word.
 */
export const managerScript = `if [ -z "$manager" ]; then
  if command -v apt-get >/dev/null; then manager=apt
  elif command -v apk >/dev/null; then manager=apk
  elif command -v zypper >/dev/null; then manager=zypper
  elif command -v dnf >/dev/null; then manager=dnf
  else fail "no package manager is here; apt, dnf, apk and zypper are known"
  fi
else
  case $manager in
    apt) command -v apt-get >/dev/null || fail "apt is not here" ;;
    apk) command -v apk >/dev/null || [ -f /lib/apk/db/installed ] || [ -f /usr/lib/apk/db/installed ] || fail "apk is not here" ;;
    *) command -v "$manager" >/dev/null || fail "$manager is not here" ;;
  esac
fi
echo "== manager"; echo "$manager"
apk_data() {
  for one in /lib/apk/db/installed /usr/lib/apk/db/installed; do
    if [ -f "$one" ]; then cat "$one"; return; fi
  done
  fail "apk has no list of installed packages here"
}
installed() {
  case $manager in
    apt) dpkg-query -W -f '\${db:Status-Abbrev}\\t\${Package}\\t\${Version}\\t\${Architecture}\\n' |
      awk -F '\\t' '$1 ~ /^.i/ { print $2 "\\t" $3 "\\t" $4 }' ;;
    apk) apk_data | awk '/^P:/ { p = substr($0, 3) } /^V:/ { v = substr($0, 3) } /^A:/ { a = substr($0, 3) }
      /^$/ { if (p != "") print p "\\t" v "\\t" a; p = "" } END { if (p != "") print p "\\t" v "\\t" a }' ;;
    dnf | zypper) rpm -qa --qf '%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\n' | grep -v '^gpg-pubkey	' || : ;;
  esac | sort
}`
