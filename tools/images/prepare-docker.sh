#!/bin/sh
# Makes docker, docker-compose and debootstrap available for the heavy suites: installs Debian's packages when this is
# root on Debian and starts dockerd when none answers. Never fails the run: where it cannot, it says why and the suites
# that need docker skip themselves.
#
#   sh tools/images/prepare-docker.sh [PIDFILE]    PIDFILE gets the pid of a dockerd started here, and only of that;
#                                                  the caller ends it:  kill "$(cat PIDFILE)"
pidfile=${1:-}
say() { echo "prepare-docker: $*" >&2; }

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }
has() { command -v "$1" >/dev/null 2>&1; }
has_compose() { docker compose version >/dev/null 2>&1 || has docker-compose; }

missing=''
answers || has dockerd || missing="$missing docker.io"
answers || has iptables || missing="$missing iptables"
has_compose || missing="$missing docker-compose"
has debootstrap || missing="$missing debootstrap"

if [ -n "$missing" ]; then
  if [ "$(id -u)" != 0 ] || ! has apt-get; then
    say "missing:$missing; only root on Debian installs them here"
  else
    say "installing$missing"
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of names
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
      say "apt-get could not install$missing: $(tail -n 1 "$log")"
    fi
    rm -f "$log"
  fi
fi

if answers; then
  say 'a docker engine answers'
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! has dockerd; then
  say 'no docker engine, and none can be started here'
  exit 0
fi

log=$(mktemp)
nohup dockerd >"$log" 2>&1 </dev/null &
pid=$!
[ -z "$pidfile" ] || echo "$pid" >"$pidfile"
waited=0
while ! answers; do
  waited=$((waited + 1))
  if [ "$waited" -gt 60 ] || ! kill -0 "$pid" 2>/dev/null; then
    say "dockerd (pid $pid) does not answer: $(grep -v level=info "$log" | tail -n 1)"
    kill "$pid" 2>/dev/null
    [ -z "$pidfile" ] || rm -f "$pidfile"
    exit 0
  fi
  sleep 0.5
done
say "dockerd started, pid $pid"
exit 0
