import { Type, type Static } from '@re-ops/pipelines'
import { oneOf } from '../text.ts'

export const inits = ['systemd', 'openrc', 'sysv'] as const
export type Init = (typeof inits)[number]
export const Init = oneOf(inits, { description: 'what runs the services of this host' })

export const ServiceName = Type.String({
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@:\\\\-]*$',
  maxLength: 256,
  description: 'without `.service`',
  examples: ['ssh'],
})

export const initOf = (text: string | undefined): Init => {
  const found = inits.find(one => one === text)
  if (found === undefined) throw new Error('no init system in the output')
  return found
}

/** systemd only where it runs (its programs may be there without it), then OpenRC, then the scripts of /etc/init.d. */
export const initScript = `if [ -d /run/systemd/system ]; then init=systemd
elif command -v rc-service >/dev/null && [ -d /run/openrc ]; then init=openrc
elif [ -d /etc/init.d ]; then init=sysv
else fail "nothing that runs services is here; systemd, OpenRC and /etc/init.d are known"
fi
echo "== init"; echo "$init"
script_of() { # the script of a service in /etc/init.d
  [ -x "/etc/init.d/$1" ] || fail "there is no service $1"
  echo "/etc/init.d/$1"
}
levels_of() { # the runlevels of OpenRC that a service is in
  rc-update show 2>/dev/null | awk -F '|' -v name="$1" '{ gsub(/ /, "", $1) } $1 == name { print $2 }'
}
sysv_enabled() { set -- /etc/rc[2345].d/S[0-9][0-9]"$1"; [ -e "$1" ]; }`

export const State = oneOf(['running', 'stopped', 'failed', 'starting', 'stopping', 'unknown'])

/** ActiveState and SubState of systemd: a job that ended well and stays `active` counts as running, as systemd has it. */
export const systemdState = (active: string | undefined): Static<typeof State> => {
  switch (active) {
    case 'active':
    case 'reloading':
      return 'running'
    case 'inactive':
      return 'stopped'
    case 'failed':
      return 'failed'
    case 'activating':
      return 'starting'
    case 'deactivating':
      return 'stopping'
    default:
      return 'unknown'
  }
}

/** `enabled` of systemd's UnitFileState; null for what cannot be enabled (static, generated, indirect, ...). */
export const systemdEnabled = (state: string | undefined): boolean | null => {
  if (state === 'enabled' || state === 'enabled-runtime') return true
  return state === 'disabled' || state === 'masked' || state === 'masked-runtime' ? false : null
}

/** Blocks of `systemctl show`: `Key=value` lines, an empty line between units. */
export const systemdUnits = (text: string | undefined): ReadonlyMap<string, string>[] =>
  (text ?? '')
    .split(/\n\s*\n/)
    .map(
      block =>
        new Map(
          block.split('\n').flatMap((line): [string, string][] => {
            const at = line.indexOf('=')
            return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : []
          }),
        ),
    )
    .filter(unit => unit.size > 0)
