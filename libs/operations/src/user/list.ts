import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { sections } from '../sections.ts'
import { lines, oneOf } from '../text.ts'

const User = Type.Object({
  name: Type.String(),
  uid: Type.Integer(),
  gid: Type.Integer(),
  group: Type.String({ description: 'the primary one, by name' }),
  groups: Type.Array(Type.String(), { description: 'the others' }),
  comment: Type.String(),
  home: Type.String(),
  shell: Type.String(),
  login: Type.Boolean({ description: 'its shell is one' }),
  password: oneOf(['set', 'locked', 'none', 'unknown'], {
    description: '`none`: empty, one logs in without; `unknown`: only root may see',
  }),
})
type User = Static<typeof User>

/** Only the first two characters of a password are looked at, and they stay on the host. */
const script = `get() { if command -v getent >/dev/null; then getent "$1"; else cat "/etc/$1"; fi; }
echo "== passwd"; get passwd
echo "== group"; get group
echo "== locks"
[ ! -r /etc/shadow ] || awk -F : '{ print $1 ":" ($2 == "" ? "none" : $2 ~ /^[!*]/ ? "locked" : "set") }' /etc/shadow`

const groupsOf = (text: string | undefined) =>
  lines(text).map(line => {
    const [name = '', , gid = '', members = ''] = line.split(':')
    return { name, gid: Number(gid), members: members.split(',').filter(one => one !== '') }
  })

export const userList = operation({
  name: 'user.list',
  doc: 'The users of the host with their groups, and whether they can log in.',
  input: Type.Object(
    {
      people: Type.Optional(Type.Boolean({ description: 'only root and those with a uid from 1000 to 59999' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Array(User),
  reads: true,
  fact: 'users',
  shell: {
    script: () => scriptWith({}, script),
    ...becomes,
    parse: ({ stdout }, { people }) => {
      const parts = sections(stdout)
      const groups = groupsOf(parts.get('group'))
      const locks = new Map(lines(parts.get('locks')).map(line => line.split(':') as [string, string]))
      const known = (name: string): User['password'] => {
        const state = locks.get(name)
        return state === 'set' || state === 'locked' || state === 'none' ? state : 'unknown'
      }
      const users = lines(parts.get('passwd')).map((line): User => {
        const [name = '', , uid, gid, comment = '', home = '', shell = ''] = line.split(':')
        return {
          name,
          uid: Number(uid),
          gid: Number(gid),
          group: groups.find(one => one.gid === Number(gid))?.name ?? String(gid),
          groups: groups.filter(one => one.members.includes(name)).map(one => one.name),
          comment,
          home,
          shell,
          login: !/\/(nologin|false|sync|halt|shutdown)$/.test(shell),
          password: known(name),
        }
      })
      if (users.length === 0) throw new Error('no users in the output')
      return people === true ? users.filter(one => one.uid === 0 || (one.uid >= 1000 && one.uid < 60_000)) : users
    },
  },
  display: {
    rows: found => found,
    columns: [
      { title: 'USER', get: (u: User) => u.name },
      { title: 'UID', get: (u: User) => String(u.uid) },
      { title: 'GROUPS', get: (u: User) => [u.group, ...u.groups].join(' ') },
      { title: 'HOME', get: (u: User) => u.home },
      { title: 'SHELL', get: (u: User) => u.shell },
      { title: 'PASSWORD', get: (u: User) => u.password },
    ],
  },
})

const Group = Type.Object({ name: Type.String(), gid: Type.Integer(), members: Type.Array(Type.String()) })
type Group = Static<typeof Group>

export const groupList = operation({
  name: 'group.list',
  doc: 'The groups of the host with their members (those for whom it is the primary one are not among them).',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Group),
  reads: true,
  shell: {
    script: () => scriptWith({}, 'if command -v getent >/dev/null; then getent group; else cat /etc/group; fi'),
    parse: ({ stdout }) => {
      const groups = groupsOf(stdout)
      if (groups.length === 0) throw new Error('no groups in the output')
      return groups
    },
  },
  display: {
    rows: found => found,
    columns: [
      { title: 'GROUP', get: (g: Group) => g.name },
      { title: 'GID', get: (g: Group) => String(g.gid) },
      { title: 'MEMBERS', get: (g: Group) => g.members.join(' ') },
    ],
  },
})
