import { createHash } from 'node:crypto'
import { agentPrefix } from '@re-ops/protocols'

/**
 * What is said to `sh` on a host to put an agent there, and to take it away. Each gets its values as arguments ($1 ...) and, where one is
 * secret, on standard input. All an agent ever writes is below its prefix, and its unit where systemd runs.
 */

/** The unit of the agent with this prefix. */
export const unitOf = (prefix: string): string =>
  prefix === agentPrefix
    ? 're-gent.service'
    : `re-gent-${createHash('sha256').update(prefix).digest('hex').slice(0, 8)}.service`

/** $1 prefix, $2 build. Answers `name=value` lines. */
export const probeScript = `
say() { printf '%s=%s\\n' "$1" "$2"; }
say os "$(uname -s)"; say machine "$(uname -m)"; say uid "$(id -u)"
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null || { ls /lib/ld-musl-* >/dev/null 2>&1 && echo musl; })"
missing=; for tool in tar gzip setsid df awk sed tail; do command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"; done
say missing "$missing"
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then say init systemd; else say init plain; fi
at=$1; while [ ! -d "$at" ]; do at=\${at%/*}; [ -n "$at" ] || at=/; done
say writable "$([ -w "$at" ] && echo yes || echo no)"
say freeKb "$(df -Pk "$at" 2>/dev/null | awk 'END { print $4 }')"
say current "$(readlink "$1/current" 2>/dev/null)"
say has "$([ -f "$1/$2/complete" ] && echo yes || echo no)"
say host "$(sed -n 's/^{"host":"\\([0-9a-f-]*\\)".*/\\1/p' "$1/state/identity.json" 2>/dev/null)"
`

/** $1 prefix, $2 build; the archive on standard input. The program is started once, without a state folder: it must say so (2). */
export const copyScript = `
set -eu; umask 022; mkdir -p "$1"; cd "$1"
rm -rf ".$2.new"; mkdir ".$2.new"; trap 'rm -rf "$1/.$2.new"' EXIT
gzip -dc | tar -xof - -C ".$2.new"
[ -f ".$2.new/complete" ] || { echo 'the archive did not arrive whole' >&2; exit 1; }
code=0; said=$(env -i PATH="$PATH" ".$2.new/node" ".$2.new/main.cjs" 2>&1) || code=$?
[ "$code" = 2 ] || { printf 'the agent does not start here (%s): %s\\n' "$code" "$said" >&2; exit 1; }
rm -rf "$2"; mv ".$2.new" "$2"
`

/** $1 prefix; on standard input what config.json is to be. An earlier state is somebody else's by then, and goes. */
export const configureScript = `
set -eu; umask 077; cd "$1"; rm -rf state; mkdir state; cat >state/config.json
`

/** $1 prefix, $2 build, $3 unit, $4 log level. Writes how it is started, and starts it. */
export const startScript = `
set -eu; umask 022; cd "$1"
ln -sfn "$2" current
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  cat >"/etc/systemd/system/$3" <<END
# The agent of re-ops. Written by \\\`reops agents deploy\\\`, removed by \\\`reops agents remove\\\`.
[Unit]
Description=re-gent, the agent of re-ops on this host
Wants=network-online.target
After=network-online.target
[Service]
Type=exec
WorkingDirectory=/
Environment=REGENT_STATE=$1/state REGENT_BUILD=$2 REOPS_LOG_LEVEL=info
ExecStart=$1/$2/node $1/$2/main.cjs
Restart=always
RestartSec=5
TimeoutStopSec=10
[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
  systemctl enable "$3" >/dev/null 2>&1
  systemctl restart "$3"
  exit 0
fi
cat >run <<END
#!/bin/sh
# The agent of re-ops, started again after a fault. Written by \\\`reops agents deploy\\\`, removed by \\\`reops agents remove\\\`.
export REGENT_STATE=$1/state REGENT_BUILD=$2 REOPS_LOG_LEVEL=$4
cd /
echo \\$\\$ >$1/pid
trap 'kill "\\$agent" 2>/dev/null; wait "\\$agent"; exit 0' TERM INT
while :; do
  $1/$2/node $1/$2/main.cjs >>$1/log 2>&1 &
  agent=\\$!
  wait "\\$agent"; code=\\$?
  case \\$code in 0 | 2 | 4) exit \\$code ;; esac
  [ "\\$(wc -c <$1/log)" -lt 1048576 ] || mv $1/log $1/log.1
  sleep 5 & wait "\\$!"
done
END
chmod 755 run
[ "$(id -u)" != 0 ] || { HOME=/root USER=root LOGNAME=root; }
env -i PATH="$PATH" HOME="\${HOME:-/}" USER="\${USER:-}" LOGNAME="\${LOGNAME:-}" LANG="\${LANG:-C.UTF-8}" setsid "$1/run" </dev/null >/dev/null 2>&1 &
`

/** $1 prefix, $2 unit. Ends the agent and what it started of its own program; answers when all are gone. */
export const stopScript = `
if [ -f "/etc/systemd/system/$2" ]; then systemctl stop "$2" >/dev/null 2>&1; fi
pid=$(cat "$1/pid" 2>/dev/null)
case $pid in *[!0-9]* | '') pid= ;; *) tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$1/run" || pid= ;; esac
[ -z "$pid" ] || kill "$pid" 2>/dev/null
ours() { for exe in /proc/[0-9]*/exe; do case $(readlink "$exe" 2>/dev/null) in "$1"/*) at=\${exe#/proc/}; echo "\${at%/exe}" ;; esac; done; }
n=0
while [ "$n" -lt 100 ]; do
  left=$(ours "$1"); [ -n "$left" ] || { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; } || break
  [ "$n" -ne 0 ] || [ -z "$left" ] || kill $left 2>/dev/null
  [ "$n" -lt 80 ] || kill -9 $left $pid 2>/dev/null
  n=$((n + 1)); sleep 0.1 2>/dev/null || sleep 1
done
left=$(ours "$1"); [ -z "$left" ] || { echo "these do not end: $left" >&2; exit 1; }
rm -f "$1/pid"
`

/** $1 prefix, $2 unit. Takes away what was put there, and no more. */
export const removeScript = `
set -eu
if [ -f "/etc/systemd/system/$2" ]; then
  systemctl disable "$2" >/dev/null 2>&1 || :
  rm -f "/etc/systemd/system/$2"
  systemctl daemon-reload
fi
[ -d "$1" ] || exit 0
cd "$1"
rm -rf state run pid log log.1 current .[0-9a-f]*.new
for name in [0-9a-f]*; do case $name in [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) rm -rf "$name" ;; esac; done
cd /
rmdir "$1" 2>/dev/null || { echo "left in $1, not of the agent: $(ls -A "$1" | tr '\\n' ' ')" >&2; exit 1; }
`

/** $1 prefix, $2 build, $3 the one before it. Builds that nothing goes back to. */
export const tidyScript = `
cd "$1" || exit 1
for name in [0-9a-f]*; do case $name in "$2" | "$3") ;; [0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) rm -rf "$name" ;; esac; done
f=state/config.json
if grep -q '"token"' "$f" 2>/dev/null; then (umask 077; sed 's/"token":"[^"]*",//' "$f" >"$f.new" && mv "$f.new" "$f"); fi
`

/** $1 prefix, $2 unit. What the agent said last. */
export const logScript = `
if [ -f "/etc/systemd/system/$2" ]; then journalctl -u "$2" -n 20 --no-pager -o cat 2>/dev/null; else tail -c 2000 "$1/log" 2>/dev/null; fi
exit 0
`
