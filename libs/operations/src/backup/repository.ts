import { Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { needs } from '../script.ts'

export const Path = Type.String({ pattern: '^/[^\\u0000\\n]*$', maxLength: 4096 })
export const repository = {
  repository: Type.String({
    pattern: '^(?!-)(?!.*://[^/@]*:[^/@]*@)[^\\u0000\\n]+$',
    maxLength: 4096,
    description: 'as for restic -r; one with a password in it is refused',
    examples: ['/srv/backup', 's3:https://s3.example.org/backup'],
  }),
  passwordFile: Type.String({
    ...Path,
    description: 'a file of the host that holds the password',
    examples: ['/etc/restic/password'],
  }),
  environmentFile: Type.Optional(
    Type.String({ ...Path, description: 'a file of the host with lines KEY=value, such as the keys of an S3 store' }),
  ),
  ...becomeInput,
}
export type Repository = { repository: string; passwordFile: string; environmentFile?: string }
export const Tags = Type.Optional(
  Type.Array(Type.String({ pattern: '^[^-,\\s][^,\\s]*$', maxLength: 200 }), { maxItems: 64 }),
)
export const Dry = Type.Optional(Type.Boolean({ description: 'only say what would change' }))
export const SnapshotId = Type.String({ pattern: '^(latest|[0-9a-f]{4,64})$', examples: ['latest', 'fc11c2d1'] })

export const script = `${needs('restic')}
export HOME="\${HOME:-/root}" RESTIC_PROGRESS_FPS=0.01
[ -z "$3" ] || { set -a; . "$3"; set +a; }
RESTIC_REPOSITORY=$1 RESTIC_PASSWORD_FILE=$2; export RESTIC_REPOSITORY RESTIC_PASSWORD_FILE
unset RESTIC_PASSWORD RESTIC_PASSWORD_COMMAND
shift 3
exec restic --json "$@"`

/** The shell form of a restic command: words of the input are arguments, never text of the script. */
export const restic = <I extends Repository>(words: (input: I) => readonly string[]) => ({
  script: () => script,
  args: (input: I) => [input.repository, input.passwordFile, input.environmentFile ?? '', ...words(input)],
  ...becomes,
})

export const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`not JSON: ${text.slice(0, 80)}`)
  }
}
export const lastJson = (stdout: string): unknown =>
  json(
    stdout
      .trim()
      .split('\n')
      .findLast(line => /^[[{]/.test(line)) ?? stdout,
  )
export const number = (value: unknown) => (typeof value === 'number' ? value : 0)

export const Snapshot = Type.Object({
  id: Type.String({ description: 'short' }),
  time: Type.String({ description: 'when it was made, to the second', format: 'date-time' }),
  host: Type.String(),
  paths: Type.Array(Type.String()),
  tags: Type.Array(Type.String()),
})
export type Snapshot = Static<typeof Snapshot>
export type RawSnapshot = {
  short_id?: string
  id?: string
  time?: string
  hostname?: string
  paths?: string[]
  tags?: string[] | null
}

export const snapshotOf = (raw: RawSnapshot): Snapshot => ({
  id: raw.short_id ?? raw.id?.slice(0, 8) ?? '',
  time: new Date(raw.time ?? '').toISOString(),
  host: raw.hostname ?? '',
  paths: raw.paths ?? [],
  tags: raw.tags ?? [],
})
export const snapshotRows = {
  columns: [
    { title: 'ID', get: (one: Snapshot) => one.id },
    { title: 'TIME', get: (one: Snapshot) => one.time.slice(0, 16).replace('T', ' ') },
    { title: 'HOST', get: (one: Snapshot) => one.host },
    { title: 'TAGS', get: (one: Snapshot) => one.tags.join(', ') || '-' },
    { title: 'PATHS', get: (one: Snapshot) => one.paths.join(', ') },
  ],
}
