import type { Family } from '../example.ts'

const none = 'userdel -r -f reops-user 2>/dev/null || :; groupdel reops-group 2>/dev/null || :'
const there = `${none}\ngroupadd -g 4242 reops-group; useradd -m -u 4242 -g reops-group reops-user`
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA test'
const changed = { changed: true }
const exit = (code: number) => ({ kind: 'exit', code }) as const

export const users: Family = {
  name: 'user',
  needs: ['useradd'],
  cleanUp: none,
  examples: [
    { operation: 'group.ensure', input: { name: 'reops-group', gid: 4242 }, setUp: none, gives: changed },
    {
      operation: 'group.ensure',
      name: 'a taken id',
      input: { name: 'reops-group', gid: 0 },
      setUp: there,
      fails: exit(4),
    },
    { operation: 'group.list', setUp: there, gives: [{ name: 'reops-group', gid: 4242 }] },
    {
      operation: 'group.remove',
      input: { name: 'reops-group' },
      setUp: `${none}\ngroupadd reops-group`,
      gives: changed,
    },
    { operation: 'group.remove', name: 'root', input: { name: 'root' }, fails: exit(1) },
    {
      operation: 'user.ensure',
      input: { name: 'reops-user', uid: 4242, shell: '/bin/sh', comment: "It's a test" },
      setUp: none,
      gives: changed,
    },
    {
      operation: 'user.ensure',
      name: 'another shell',
      input: { name: 'reops-user', shell: '/bin/false' },
      setUp: there,
      gives: changed,
    },
    {
      operation: 'user.ensure',
      name: 'dry',
      input: { name: 'reops-user', dry: true },
      setUp: none,
      gives: { wouldChange: true },
    },
    {
      operation: 'user.ensure',
      name: 'no such group',
      input: { name: 'reops-user', groups: ['reops-none'] },
      setUp: none,
      fails: exit(1),
    },
    { operation: 'user.key', input: { user: 'reops-user', key }, setUp: there, gives: changed },
    { operation: 'user.key', name: 'no such user', input: { user: 'reops-none', key }, fails: exit(1) },
    { operation: 'user.list', setUp: there, gives: [{ name: 'reops-user', uid: 4242 }] },
    { operation: 'user.remove', input: { name: 'reops-user', removeHome: true }, setUp: there, gives: changed },
    { operation: 'user.remove', name: 'root', input: { name: 'root' }, fails: exit(1) },
  ],
}
