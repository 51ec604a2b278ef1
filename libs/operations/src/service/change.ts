import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { initScript, ServiceName } from './init.ts'

/**
 * `running` asks, `control` tells; both speak to whatever runs the services here. A daemon that a script starts must neither
 * hold the streams of the call nor carry its mark: the call would not end before it, or the agent would end it with the call.
 */
const commands = `apart() {
  said=$(mktemp "\${TMPDIR:-/tmp}/.reops-XXXXXX") code=0
  (unset REOPS_CALL_ID; exec "$@") </dev/null >"$said" 2>&1 || code=$?
  cat "$said" >&2
  rm -f -- "$said"
  return "$code"
}
running() {
  case $init in
    systemd) systemctl is-active --quiet -- "$name.service" ;;
    openrc) rc-service "$name" status >/dev/null 2>&1 </dev/null ;;
    sysv) "$(script_of "$name")" status >/dev/null 2>&1 </dev/null ;;
  esac
}
control() {
  case $init in
    systemd) act systemctl "$1" -- "$name.service" ;;
    openrc) act apart rc-service "$name" "$1" ;;
    sysv) act apart "$(script_of "$name")" "$1" ;;
  esac
}
exists() {
  case $init in
    systemd) [ "$(systemctl show -p LoadState -- "$name.service")" != LoadState=not-found ] || fail "there is no service $name" ;;
    openrc | sysv) script_of "$name" >/dev/null ;;
  esac
}
enabled() {
  case $init in
    systemd) systemctl is-enabled --quiet -- "$name.service" 2>/dev/null ;;
    openrc) [ -n "$(levels_of "$name")" ] ;;
    sysv) sysv_enabled "$name" ;;
  esac
}
exists`

const Input = Type.Object({ name: ServiceName, ...changeInput }, { additionalProperties: false })
type Input = { name: string; dry?: boolean }

const shellOf = (body: string) => ({
  script: (input: Input) => changeScript(input, { name: input.name }, `${initScript}\n${commands}\n${body}`),
  ...changeAnswer,
})

export const serviceStart = operation({
  name: 'service.start',
  doc: 'Makes a service run.',
  input: Input,
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: shellOf('running || { change "start $name"; control start; }'),
})

export const serviceStop = operation({
  name: 'service.stop',
  doc: 'Makes a service not run.',
  input: Input,
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: shellOf('if running; then change "stop $name"; control stop; fi'),
})

export const serviceRestart = operation({
  name: 'service.restart',
  doc: 'Stops a service, if it runs, and starts it.',
  input: Input,
  output: Change,
  ...changeTraits,
  shell: shellOf('change "restart $name"; control restart'),
})

export const serviceReload = operation({
  name: 'service.reload',
  doc: 'Has a service read its configuration again.',
  input: Input,
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: shellOf('change "reload $name"; control reload'),
})

export const serviceEnable = operation({
  name: 'service.enable',
  doc: 'Makes a service start with the host.',
  input: Input,
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: shellOf(`enabled || {
  change "enable $name"
  case $init in
    systemd) act systemctl --quiet enable -- "$name.service" ;;
    openrc) act rc-update add "$name" default ;;
    sysv)
      if command -v update-rc.d >/dev/null; then act update-rc.d "$name" defaults; act update-rc.d "$name" enable
      elif command -v chkconfig >/dev/null; then act chkconfig "$name" on
      else fail "neither update-rc.d nor chkconfig is here"
      fi ;;
  esac
}`),
})

export const serviceDisable = operation({
  name: 'service.disable',
  doc: 'Makes a service not start with the host.',
  input: Input,
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: shellOf(`if enabled; then
  change "disable $name"
  case $init in
    systemd) act systemctl --quiet disable -- "$name.service" ;;
    openrc) for level in $(levels_of "$name"); do act rc-update del "$name" "$level"; done ;;
    sysv)
      if command -v update-rc.d >/dev/null; then act update-rc.d "$name" disable
      elif command -v chkconfig >/dev/null; then act chkconfig "$name" off
      else fail "neither update-rc.d nor chkconfig is here"
      fi ;;
  esac
fi`),
})
