import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { sections } from '../sections.ts'
import { numberOrNull } from '../text.ts'
import { Init, initOf, initScript, ServiceName, State, systemdEnabled, systemdState, systemdUnits } from './init.ts'

const Status = Type.Object({
  init: Init,
  name: Type.String(),
  exists: Type.Boolean(),
  state: State,
  enabled: Type.Union([Type.Boolean(), Type.Null()], {
    description: 'starts with the host; null when that cannot be said',
  }),
  description: Type.String(),
  pid: Type.Optional(Type.Integer()),
  memoryBytes: Type.Optional(Type.Integer()),
  restarts: Type.Optional(Type.Integer({ description: 'by systemd itself, since it was started by somebody' })),
  result: Type.Optional(
    Type.String({ description: 'why it stopped, as systemd says: success, exit-code, timeout, ...' }),
  ),
})
type Status = Static<typeof Status>

/** The exit code of a status action: 0 runs, 3 does not, others are up to the script (Linux Standard Base). */
const script = `echo "== status"
case $init in
  systemd) systemctl show --no-pager -p Id,LoadState,ActiveState,UnitFileState,Description,MainPID,MemoryCurrent,NRestarts,Result -- "$name.service" ;;
  openrc | sysv)
    if [ ! -x "/etc/init.d/$name" ]; then echo absent; exit 0; fi
    code=0
    if [ "$init" = openrc ]; then rc-service "$name" status >/dev/null 2>&1 </dev/null || code=$?
    else "/etc/init.d/$name" status >/dev/null 2>&1 </dev/null || code=$?
    fi
    echo "$code"
    if [ "$init" = openrc ] && [ -n "$(levels_of "$name")" ]; then echo enabled
    elif [ "$init" = sysv ] && sysv_enabled "$name"; then echo enabled
    else echo disabled
    fi
    sed -n 's/^# Short-Description:[[:space:]]*//p; s/^description="\\(.*\\)"/\\1/p' "/etc/init.d/$name" | head -n 1 ;;
esac`

const fromSystemd = (text: string | undefined): Omit<Status, 'init' | 'name'> => {
  const [unit] = systemdUnits(text)
  if (!unit) throw new Error('systemctl shows no unit')
  const count = (key: string) => numberOrNull(unit.get(key))
  const pid = count('MainPID')
  const memoryBytes = count('MemoryCurrent')
  const restarts = count('NRestarts')
  const result = unit.get('Result')
  return {
    exists: unit.get('LoadState') !== 'not-found',
    state: systemdState(unit.get('ActiveState')),
    enabled: systemdEnabled(unit.get('UnitFileState')),
    description: unit.get('Description') ?? '',
    ...(pid === null || pid === 0 ? {} : { pid }),
    // Without accounting it is [not set] or 2^64-1.
    ...(memoryBytes === null || memoryBytes > Number.MAX_SAFE_INTEGER ? {} : { memoryBytes }),
    ...(restarts === null ? {} : { restarts }),
    ...(result === undefined ? {} : { result }),
  }
}

const fromScript = (text: string | undefined): Omit<Status, 'init' | 'name'> => {
  const [code, enabled, description = ''] = (text ?? '').split('\n')
  if (code === 'absent') return { exists: false, state: 'stopped', enabled: null, description: '' }
  if (code === undefined || !/^\d+$/.test(code)) throw new Error('no status in the output')
  const states: Readonly<Record<string, Status['state']>> = {
    0: 'running',
    1: 'failed',
    2: 'failed',
    3: 'stopped',
    32: 'failed',
  }
  return { exists: true, state: states[code] ?? 'unknown', enabled: enabled === 'enabled', description }
}

export const serviceStatus = operation({
  name: 'service.status',
  doc: 'One service: whether it is there, runs, and starts with the host.',
  input: Type.Object({ name: ServiceName, ...becomeInput }, { additionalProperties: false }),
  output: Status,
  reads: true,
  shell: {
    script: ({ name }) => scriptWith({ name }, `${initScript}\n${script}`),
    ...becomes,
    parse: ({ stdout }, { name }) => {
      const parts = sections(stdout)
      const init = initOf(parts.get('init'))
      const text = parts.get('status')
      return { init, name, ...(init === 'systemd' ? fromSystemd(text) : fromScript(text)) }
    },
  },
  varies: { pid: 'host', memoryBytes: 'any' },
  summary: { state: ['histogram'], enabled: ['histogram'] },
  display: {
    columns: [
      { title: 'SERVICE', get: s => s.name },
      { title: 'STATE', get: s => (s.exists ? s.state : 'absent') },
      { title: 'ENABLED', get: s => (s.enabled === null ? '-' : s.enabled ? 'yes' : 'no') },
      { title: 'PID', get: s => (s.pid === undefined ? '' : String(s.pid)) },
      { title: 'WHAT', get: s => s.description },
    ],
  },
})
