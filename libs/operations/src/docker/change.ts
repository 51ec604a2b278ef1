import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { among, oneOf } from '../one-of.ts'
import { present } from '../present.ts'
import { needs } from '../script.ts'
import { sections } from '../sections.ts'
import { ContainerName, ImageName } from './docker.ts'

const Dry = Type.Optional(Type.Boolean({ description: 'only say what would change' }))
const Changed = {
  changed: Type.Boolean({ description: 'never with `dry`' }),
  wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`' })),
}
const changes = (some: boolean, dry: boolean | undefined) =>
  dry ? { changed: false, wouldChange: some } : { changed: some }

export const dockerPull = operation({
  name: 'docker.pull',
  doc: 'Pulls an image from its registry.',
  input: Type.Object({ image: ImageName, ...becomeInput }, { additionalProperties: false }),
  output: Type.Object({
    changed: Type.Boolean({ description: 'it was not there, or was another one' }),
    id: Type.String({ description: 'of the image, the first 12 digits' }),
  }),
  idempotent: true,
  shell: {
    script: () => `${needs('docker')}
id() { docker image inspect -f '{{.Id}}' "$1" 2>/dev/null; }
echo "== before"; id "$1"
docker pull -q "$1" >&2 || exit 1
echo "== after"; id "$1"`,
    args: input => [input.image],
    ...becomes,
    timeoutMs: () => 3_600_000,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const id = parts.get('after') ?? ''
      if (id === '') throw new Error('no image after the pull')
      return { changed: parts.get('before') !== id, id: id.replace(/^sha256:/, '').slice(0, 12) }
    },
  },
  summary: { changed: ['histogram'], id: ['histogram'] },
  display: {
    columns: [
      { title: 'CHANGED', get: r => (r.changed ? 'yes' : 'no') },
      { title: 'IMAGE', get: r => r.id },
    ],
  },
})

/**
 * `inspect` tells "there is none" from "docker cannot be asked". What a container was made from is kept as a label (a checksum of
 * the arguments), so that the same input again changes nothing, and another one replaces it.
 */
const inspect = `inspect() {
  now=$(docker container inspect -f "$1" "$2" 2>&1) && return 0
  case $now in *"No such container"*) now=; return 0;; esac
  echo "$now" >&2; exit 1
}`

const runScript = `${needs('docker')}
${inspect}
name=$1 image=$2 dry=$3; shift 3
spec=$(printf '%s\\n' "$@" | sha256sum | cut -c 1-32)
inspect '{{.State.Running}} {{index .Config.Labels "reops.spec"}} {{.Image}}' "$name"
want=$(docker image inspect -f '{{.Id}}' "$image" 2>/dev/null)
case $now in
  "true $spec $want") action=none;;
  "false $spec $want") action=started;;
  "") action=created;;
  *) action=replaced;;
esac
if [ -z "$dry" ]; then
  case $action in
    started) docker start "$name" >/dev/null || exit 1;;
    created|replaced)
      [ -n "$want" ] || docker pull -q "$image" >&2 || exit 1
      [ $action = created ] || docker rm -f "$name" >/dev/null || exit 1
      docker run -d --name "$name" --label "reops.spec=$spec" "$@" >/dev/null || { code=$?; docker rm -f "$name" >/dev/null 2>&1; exit $code; };;
  esac
fi
echo "== action"; echo $action
echo "== id"; docker container inspect -f '{{.Id}}' "$name" 2>/dev/null
:`

export const dockerRun = operation({
  name: 'docker.run',
  doc: 'Makes sure that a container runs as described: makes it, starts it, or replaces one that differs.',
  input: Type.Object(
    {
      name: ContainerName,
      image: ImageName,
      command: Type.Optional(
        Type.Array(Type.String({ maxLength: 131_072 }), { maxItems: 1000, examples: [['sleep', '60']] }),
      ),
      ports: Type.Optional(
        Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:\\[\\]]*[0-9-]+(/(tcp|udp))?$' }), {
          maxItems: 256,
          examples: [['8080:80']],
        }),
      ),
      volumes: Type.Optional(
        Type.Array(Type.String({ pattern: '^[^-\\s].*:.+$', maxLength: 4096 }), {
          maxItems: 256,
          examples: [['/srv/data:/data:ro']],
        }),
      ),
      env: Type.Optional(
        Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String({ maxLength: 32_768 }), {
          additionalProperties: false,
          maxProperties: 256,
          description: 'whoever may use docker on the host can read it; for secrets use envFile',
        }),
      ),
      envFile: Type.Optional(
        Type.String({ pattern: '^/', maxLength: 4096, description: 'a file of the host with lines KEY=value' }),
      ),
      network: Type.Optional(
        Type.String({ pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.:-]*$', maxLength: 255, examples: ['host'] }),
      ),
      restart: Type.Optional(
        oneOf(['no', 'always', 'unless-stopped', 'on-failure'], { description: 'default unless-stopped' }),
      ),
      dry: Dry,
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    ...Changed,
    action: oneOf(['none', 'started', 'created', 'replaced'], { description: 'with `dry`: that would be taken' }),
    id: Type.Optional(Type.String({ description: 'the first 12 digits' })),
  }),
  idempotent: true,
  dry: true,
  shell: {
    script: () => runScript,
    args: input => [
      input.name,
      input.image,
      input.dry ? 'y' : '',
      `--restart=${input.restart ?? 'unless-stopped'}`,
      ...(input.network === undefined ? [] : [`--network=${input.network}`]),
      ...(input.ports ?? []).map(one => `--publish=${one}`),
      ...(input.volumes ?? []).map(one => `--volume=${one}`),
      ...Object.entries(input.env ?? {}).map(([name, value]) => `--env=${name}=${value}`),
      ...(input.envFile === undefined ? [] : [`--env-file=${input.envFile}`]),
      input.image,
      ...(input.command ?? []),
    ],
    ...becomes,
    timeoutMs: () => 3_600_000,
    parse: ({ stdout }, { dry }) => {
      const parts = sections(stdout)
      const action = among(['none', 'started', 'created', 'replaced'], parts.get('action'), 'action')
      return present({ ...changes(action !== 'none', dry), action, id: parts.get('id')?.slice(0, 12) || undefined })
    },
  },
  varies: { id: 'any' },
  summary: { action: ['histogram'] },
  display: {
    columns: [
      { title: 'ACTION', get: r => (r.wouldChange ? `would be ${r.action}` : r.action) },
      { title: 'CONTAINER', get: r => r.id ?? '-' },
    ],
  },
})

const Stopped = Type.Object({
  ...Changed,
  action: oneOf(['none', 'stopped', 'removed'], { description: 'with `dry`: that would be taken' }),
})

export const dockerStop = operation({
  name: 'docker.stop',
  doc: 'Makes sure that a container does not run, or is not there at all.',
  input: Type.Object(
    {
      name: ContainerName,
      remove: Type.Optional(Type.Boolean({ description: 'remove it as well' })),
      graceSeconds: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 3600, description: 'before it is killed; default 10' }),
      ),
      dry: Dry,
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Stopped,
  idempotent: true,
  dry: true,
  shell: {
    script: () => `${needs('docker')}
${inspect}
name=$1 remove=$2 grace=$3 dry=$4
inspect '{{.State.Running}}' "$name"
case $now/$remove in /*) action=none;; */y) action=removed;; true/) action=stopped;; *) action=none;; esac
if [ -z "$dry" ]; then
  [ "$now" != true ] || docker stop -t "$grace" "$name" >/dev/null || exit 1
  [ $action != removed ] || docker rm "$name" >/dev/null || exit 1
fi
echo "== action"; echo $action`,
    args: ({ name, remove, graceSeconds = 10, dry }) => [name, remove ? 'y' : '', String(graceSeconds), dry ? 'y' : ''],
    ...becomes,
    timeoutMs: ({ graceSeconds = 10 }) => (graceSeconds + 60) * 1000,
    parse: ({ stdout }, { dry }): Static<typeof Stopped> => {
      const action = among(['none', 'stopped', 'removed'], sections(stdout).get('action'), 'action')
      return { ...changes(action !== 'none', dry), action }
    },
  },
  summary: { action: ['histogram'] },
  display: { columns: [{ title: 'ACTION', get: r => (r.wouldChange ? `would be ${r.action}` : r.action) }] },
})
