import { operation, Type, type Static } from '@re-ops/pipelines'
import { scriptWith } from '../script.ts'
import { sections } from '../sections.ts'
import { lines } from '../text.ts'
import { Init, initOf, initScript, State, systemdEnabled, systemdState, systemdUnits } from './init.ts'

const Service = Type.Object({
  name: Type.String(),
  state: State,
  enabled: Type.Union([Type.Boolean(), Type.Null()], {
    description: 'starts with the host; null when that cannot be said',
  }),
  description: Type.String(),
})
type Service = Static<typeof Service>

/** systemd also knows units that are not loaded: their files are listed beside. */
const script = `case $init in
  systemd)
    echo "== units"; systemctl show --no-pager -p Id,LoadState,ActiveState,UnitFileState,Description '*.service'
    echo "== files"; systemctl list-unit-files --no-pager --no-legend --type service ;;
  openrc)
    echo "== states"; rc-status --all --format ini --nocolor 2>/dev/null || :
    echo "== enabled"; rc-update show --nocolor 2>/dev/null || :
    echo "== scripts"; for one in /etc/init.d/*; do echo "\${one##*/}"; done ;;
  sysv)
    echo "== states"; service --status-all 2>/dev/null </dev/null || :
    echo "== enabled"; for one in /etc/rc[2345].d/S[0-9][0-9]*; do one=\${one##*/S}; echo "\${one#[0-9][0-9]}"; done | sort -u ;;
esac`

const fromSystemd = (units: string | undefined, files: string | undefined): Service[] => {
  const plain = (id: string) => id.replace(/\.service$/, '')
  const loaded = systemdUnits(units)
    .filter(unit => unit.get('LoadState') === 'loaded' || unit.get('LoadState') === 'masked')
    .map(unit => ({
      name: plain(unit.get('Id') ?? ''),
      state: systemdState(unit.get('ActiveState')),
      enabled: systemdEnabled(unit.get('UnitFileState')),
      description: unit.get('Description') ?? '',
    }))
  const names = new Set(loaded.map(one => one.name))
  const others = lines(files).flatMap((line): Service[] => {
    const [id = '', state] = line.split(/\s+/)
    const name = plain(id)
    if (names.has(name) || name.endsWith('@') || state === 'alias') return []
    return [{ name, state: 'stopped', enabled: systemdEnabled(state), description: '' }]
  })
  return [...loaded, ...others]
}

const openrcStates: Readonly<Record<string, Service['state']>> = {
  started: 'running',
  stopped: 'stopped',
  crashed: 'failed',
  starting: 'starting',
  stopping: 'stopping',
  inactive: 'starting',
  scheduled: 'starting',
}

/** `name = started` lines of rc-status' ini format, and `name | default` of rc-update. */
const fromOpenrc = (states: string, enabled: string, scripts: string): Service[] => {
  const state = new Map(
    [...states.matchAll(/^\s*([^\s=]+)\s*=\s*(\w+)/gm)].map(([, name = '', word = '']) => [name, word]),
  )
  const starts = new Set([...enabled.matchAll(/^\s*(\S+)\s*\|\s*\S/gm)].map(match => match[1] ?? ''))
  return lines(scripts).map(name => ({
    name,
    state: openrcStates[state.get(name) ?? 'stopped'] ?? 'unknown',
    enabled: starts.has(name),
    description: '',
  }))
}

/** ` [ + ]  ssh`: running, `-` stopped, `?` its script does not say. */
const fromSysv = (states: string, enabled: string): Service[] => {
  const starts = new Set(lines(enabled))
  return [...states.matchAll(/^\s*\[ ([+?-]) \]\s+(\S+)/gm)].map(([, sign, name = '']) => ({
    name,
    state: sign === '+' ? 'running' : sign === '-' ? 'stopped' : 'unknown',
    enabled: starts.has(name),
    description: '',
  }))
}

export const serviceList = operation({
  name: 'service.list',
  doc: 'The services of the host, whether they run, and whether they start with it.',
  input: Type.Object(
    {
      state: Type.Optional(State),
      name: Type.Optional(Type.String({ maxLength: 256, description: 'with this in it' })),
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ init: Init, count: Type.Integer(), failed: Type.Integer(), services: Type.Array(Service) }),
  reads: true,
  shell: {
    script: () => scriptWith({}, `${initScript}\n${script}`),
    parse: ({ stdout }, { state, name = '' }) => {
      const parts = sections(stdout)
      const part = (one: string) => parts.get(one) ?? ''
      const init = initOf(parts.get('init'))
      const all = {
        systemd: () => fromSystemd(part('units'), part('files')),
        openrc: () => fromOpenrc(part('states'), part('enabled'), part('scripts')),
        sysv: () => fromSysv(part('states'), part('enabled')),
      }[init]()
      const services = all
        .filter(one => one.name.includes(name) && (state === undefined || one.state === state))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      return { init, count: services.length, failed: services.filter(one => one.state === 'failed').length, services }
    },
  },
  summary: { init: ['histogram'], count: ['min', 'max'], failed: ['sum', 'max'] },
  display: {
    rows: found => found.services,
    columns: [
      { title: 'SERVICE', get: (s: Service) => s.name },
      { title: 'STATE', get: (s: Service) => s.state },
      { title: 'ENABLED', get: (s: Service) => (s.enabled === null ? '-' : s.enabled ? 'yes' : 'no') },
      { title: 'WHAT', get: (s: Service) => s.description },
    ],
  },
})
