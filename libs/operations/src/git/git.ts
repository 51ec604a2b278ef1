import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { Change, changeInput, changeScript, changesIn, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'
import { lines, Path } from '../text.ts'

/** Nobody is asked for a password, by git or by ssh below it; and no transport that would run a program of the URL's choice. */
const quiet = `GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=file:git:http:https:ssh GIT_SSH_COMMAND=\${GIT_SSH_COMMAND:-ssh -oBatchMode=yes}
export GIT_TERMINAL_PROMPT GIT_ALLOW_PROTOCOL GIT_SSH_COMMAND
command -v git >/dev/null || fail "git is not here"
head_of() { git -C "$path" rev-parse -q --verify HEAD 2>/dev/null || :; }`

const Url = Type.String({
  pattern: '^(https?://|ssh://|git://|file:///|/|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:)[^\\s\\u0000]+$',
  maxLength: 2048,
  examples: ['https://example.org/app.git'],
})
const Ref = Type.String({
  pattern: '^[A-Za-z0-9_][A-Za-z0-9_./-]*$',
  maxLength: 256,
  description: 'a branch, tag or commit; default what the remote has as HEAD',
  examples: ['v1.2.0'],
})
const Commit = Type.Union([Type.String(), Type.Null()])
const Output = Type.Object({
  ...Change.properties,
  from: Type.Optional(Commit),
  commit: Type.Optional(Commit),
})
type Output = Static<typeof Output>

const parse = ({ stdout }: { stdout: string }, input: { dry?: boolean }): Output => {
  const said = (word: string) =>
    lines(stdout)
      .find(line => line.startsWith(`${word} `))
      ?.slice(word.length + 1)
      .trim() || null
  return { ...changesIn(stdout, input), from: said('from'), commit: said('at') }
}

/** A branch is checked out as what the remote has, detached: what is there does not depend on what was there. */
const cloneBody = `if [ ! -e "$path/.git" ]; then
  [ ! -e "$path" ] || [ -z "$(ls -A -- "$path")" ] || fail "$path is there, is not empty, and is no clone"
  change "clone $url into $path"
  [ -z "$dry" ] || exit 0
  git clone -q --no-checkout \${depth:+--depth "$depth"} -- "$url" "$path" </dev/null >&2
  fresh=yes
else
  now=$(git -C "$path" config --get remote.origin.url || :)
  [ "$now" = "$url" ] || fail "$path is a clone of \${now:-nothing}, not of $url"
  echo "from $(head_of)"
  case $ref in
    *[!0-9a-f]* | '') ;;
    *) if [ "\${#ref}" -eq 40 ] && [ "$(head_of)" = "$ref" ]; then echo "at $ref"; exit 0; fi ;;
  esac
fi
if [ -n "$dry" ]; then
  wanted=$(git ls-remote -- "$url" "\${ref:-HEAD}" "refs/tags/$ref^{}" </dev/null | awk '$2 ~ /[{]}$/ { peeled = $1 } { first = first == "" ? $1 : first } END { print peeled != "" ? peeled : first }')
  [ "\${wanted:-$ref}" = "$(head_of)" ] || change "check out \${ref:-HEAD} in $path"
  exit 0
fi
# What is asked for is fetched by its name, so that a shallow clone stays one; a part of a commit's id has no name there.
if git -C "$path" fetch -q --force \${depth:+--depth "$depth"} origin "\${ref:-HEAD}" </dev/null >&2; then
  wanted=$(git -C "$path" rev-parse -q --verify 'FETCH_HEAD^{commit}')
else
  git -C "$path" fetch -q --force --tags origin '+refs/heads/*:refs/remotes/origin/*' </dev/null >&2
  wanted=$(git -C "$path" rev-parse -q --verify "$ref^{commit}") || fail "$url has no $ref"
fi
now=$(head_of)
if [ -n "\${fresh-}" ] || [ "$now" != "$wanted" ]; then
  [ -n "\${fresh-}" ] || change "check out \${ref:-HEAD} in $path"
  git -C "$path" checkout -q \${force:+--force} --detach "$wanted" </dev/null >&2
fi
echo "at $(head_of)"`

export const gitClone = operation({
  name: 'git.clone',
  doc: 'Makes a folder be a clone of a repository, at a branch, tag or commit.',
  input: Type.Object(
    {
      url: Url,
      path: Path({ examples: ['/srv/app'] }),
      ref: Type.Optional(Ref),
      depth: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'only so much of the history' }),
      ),
      force: Type.Optional(Type.Boolean({ description: 'throw away what was changed there by hand' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Output,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { url, path, ref, depth, force } = input
      return changeScript(input, { url, path, ref, depth, force }, `${quiet}\n${cloneBody}`)
    },
    ...becomes,
    parse,
  },
})

export const gitPull = operation({
  name: 'git.pull',
  doc: 'Brings the branch of a clone up to its remote, if that needs no merge.',
  input: Type.Object({ path: Path({ examples: ['/srv/app'] }), ...changeInput }, { additionalProperties: false }),
  output: Output,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input =>
      changeScript(
        input,
        { path: input.path },
        `${quiet}
from=$(git -C "$path" rev-parse HEAD)
echo "from $from"
branch=$(git -C "$path" rev-parse --abbrev-ref --symbolic-full-name '@{upstream}')
git -C "$path" fetch -q </dev/null >&2
to=$(git -C "$path" rev-parse '@{upstream}')
behind=$(git -C "$path" rev-list --count 'HEAD..@{upstream}')
if [ "$behind" -gt 0 ]; then
  change "$path up to $branch, $behind commits"
  act git -C "$path" merge -q --ff-only '@{upstream}'
fi
echo "at $(git -C "$path" rev-parse HEAD)"`,
      ),
    ...becomes,
    parse,
  },
})

const Status = Type.Object({
  commit: Commit,
  branch: Type.Union([Type.String(), Type.Null()], { description: 'null when detached' }),
  upstream: Type.Optional(Type.String()),
  ahead: Type.Optional(Type.Integer()),
  behind: Type.Optional(Type.Integer({ description: 'as of the last fetch' })),
  clean: Type.Boolean(),
  files: Type.Array(
    Type.Object({ path: Type.String(), status: Type.String({ description: 'as git status --short' }) }),
  ),
})
type Status = Static<typeof Status>
const filesMax = 1000

/** `git status --porcelain=v2 --branch` (its manual, "Porcelain Format Version 2"). */
const statusOf = (text: string): Status => {
  const heads = new Map(
    [...text.matchAll(/^# branch\.(\w+) (.*)$/gm)].map(([, key = '', value = '']) => [key, value] as const),
  )
  const head = heads.get('head')
  const oid = heads.get('oid')
  if (head === undefined || oid === undefined) throw new Error('no branch in the output of git status')
  const [, ahead, behind] = /^\+(\d+) -(\d+)$/.exec(heads.get('ab') ?? '') ?? []
  const upstream = heads.get('upstream')
  const files = lines(text).flatMap(line => {
    if (line.startsWith('? ')) return [{ path: line.slice(2), status: '??' }]
    const [kind, status = ''] = line.split(' ')
    const skip = kind === '1' ? 8 : kind === '2' ? 9 : kind === 'u' ? 10 : 0
    if (skip === 0) return []
    const path = line.split(' ').slice(skip).join(' ').split('\t')[0] ?? ''
    return [{ path, status: status.replaceAll('.', ' ').trimEnd() }]
  })
  return {
    commit: oid === '(initial)' ? null : oid,
    branch: head === '(detached)' ? null : head,
    ...(upstream === undefined ? {} : { upstream }),
    ...(ahead === undefined ? {} : { ahead: Number(ahead), behind: Number(behind) }),
    clean: files.length === 0,
    files: files.slice(0, filesMax),
  }
}

export const gitStatus = operation({
  name: 'git.status',
  doc: 'The commit and branch of a clone, and what was changed there by hand.',
  input: Type.Object({ path: Path({ examples: ['/srv/app'] }), ...becomeInput }, { additionalProperties: false }),
  output: Status,
  reads: true,
  shell: {
    script: ({ path }) =>
      scriptWith({ path }, `${quiet}\ngit --no-optional-locks -C "$path" status --porcelain=v2 --branch`),
    ...becomes,
    parse: ({ stdout }) => statusOf(stdout),
  },
  summary: { commit: ['histogram'], branch: ['histogram'], clean: ['histogram'] },
  display: {
    columns: [
      { title: 'COMMIT', get: s => s.commit?.slice(0, 12) ?? 'none' },
      { title: 'BRANCH', get: s => s.branch ?? '(detached)' },
      { title: 'BEHIND', get: s => (s.behind === undefined ? '' : String(s.behind)) },
      { title: 'CHANGED', get: s => (s.clean ? 'no' : `${s.files.length} files`) },
    ],
  },
})

export const gitOperations = [gitClone, gitPull, gitStatus]
