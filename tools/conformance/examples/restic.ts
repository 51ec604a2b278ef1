import type { Family } from '../example.ts'

/** Made once and copied before each call, so that ids and times are the same for both transports. */
const made = `rm -rf /srv/restic; mkdir -p /srv/restic/source; cd /srv/restic
echo 'a password' >password; echo other >other; echo one >"source/it's"; head -c 100000 /dev/urandom >source/data
export RESTIC_PASSWORD_FILE=/srv/restic/password
restic -q -r kept init; restic -q -r kept backup --tag t source; restic -q -r kept backup source`
const setUp = 'rm -rf restic restored; cp -a /srv/restic restic'
const shared = { repository: '/scratch/restic/kept', passwordFile: '/srv/restic/password' }
const locked = { ...shared, passwordFile: '/srv/restic/other' }
const none = { ...shared, repository: '/scratch/restic/none' }
const exit = { kind: 'exit', code: 1 } as const

export const restic: Family = {
  name: 'restic',
  needs: ['restic'],
  setUp: made,
  examples: [
    { operation: 'restic.init', input: none, setUp, gives: { changed: true } },
    { operation: 'restic.init', name: 'another password', input: locked, setUp, fails: exit },
    {
      operation: 'restic.backup',
      input: { ...shared, paths: ['/srv/restic/source'] },
      setUp,
      gives: { changed: true },
    },
    { operation: 'restic.backup', name: 'dry', input: { ...shared, paths: ['/srv/restic/source'], dry: true }, setUp },
    {
      operation: 'restic.backup',
      name: 'no repository',
      input: { ...none, paths: ['/srv/restic/source'] },
      setUp,
      fails: exit,
    },
    { operation: 'restic.check', input: { ...shared, readData: true }, setUp, gives: { sound: true } },
    { operation: 'restic.check', name: 'another password', input: locked, setUp, fails: exit },
    {
      operation: 'restic.forget',
      input: { ...shared, keep: { last: 1 }, prune: true },
      setUp,
      gives: { changed: true },
    },
    {
      operation: 'restic.forget',
      name: 'dry',
      input: { ...shared, keep: { last: 1 }, dry: true },
      setUp,
      gives: { wouldChange: true },
    },
    {
      operation: 'restic.forget',
      name: 'another password',
      input: { ...locked, keep: { last: 1 } },
      setUp,
      fails: exit,
    },
    { operation: 'restic.restore', input: { ...shared, target: '/scratch/restored' }, setUp },
    {
      operation: 'restic.restore',
      name: 'no such snapshot',
      input: { ...shared, target: '/scratch/restored', snapshot: 'deadbeef' },
      setUp,
      fails: exit,
    },
    { operation: 'restic.snapshots', input: shared, setUp },
    { operation: 'restic.snapshots', name: 'another password', input: locked, setUp, fails: exit },
    { operation: 'restic.stats', input: shared, setUp },
    { operation: 'restic.stats', name: 'no repository', input: none, setUp, fails: exit },
  ],
}
