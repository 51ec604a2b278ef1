import type { Family } from '../example.ts'

/** A repository of its own on the disk: two versions of a package without content. */
const setUp = `rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
rm -rf /srv/apt; mkdir -p /srv/apt; cd /srv/apt
for version in 1.0 2.0; do
  mkdir -p build/DEBIAN
  printf 'Package: reops-hello\\nVersion: %s\\nArchitecture: all\\nMaintainer: re-ops <re-ops@example.org>\\nDescription: nothing\\n' $version >build/DEBIAN/control
  dpkg-deb -b build reops-hello_$version.deb >/dev/null
done
index() {
  for version; do
    file=reops-hello_$version.deb
    dpkg-deb -f "$file"
    printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "$file" "$(stat -c %s "$file")" "$(sha256sum "$file" | cut -d ' ' -f 1)"
  done >Packages
}
index 1.0; cp Packages Packages.old; index 1.0 2.0
echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list
apt-get -qq update`
const absent = 'dpkg --purge reops-hello >/dev/null 2>&1 || :'
const old = 'dpkg -i /srv/apt/reops-hello_1.0.deb >/dev/null'
const names = ['reops-hello']
const apt = { manager: 'apt', waitSeconds: 30 } as const

export const packages: Family = {
  name: 'package',
  needs: ['apt', 'dpkg-deb'],
  setUp,
  cleanUp: absent,
  examples: [
    { operation: 'package.install', input: { names, ...apt }, setUp: absent, gives: { changed: true } },
    { operation: 'package.install', name: 'it is', input: { names }, setUp: old, gives: { changed: false } },
    {
      operation: 'package.install',
      name: 'dry',
      input: { names, dry: true },
      setUp: absent,
      gives: { wouldChange: true },
    },
    {
      operation: 'package.install',
      name: 'no such package',
      input: { names: ['reops-none'], ...apt },
      fails: { kind: 'exit', code: 100 },
    },
    { operation: 'package.installed', input: { names: [...names, 'reops-none'] }, setUp: old },
    {
      operation: 'package.installed',
      name: 'no such manager',
      input: { names, manager: 'apk' },
      fails: { kind: 'exit' },
    },
    { operation: 'package.list', setUp: old, gives: { packages: [{ name: 'reops-hello', version: '1.0' }] } },
    { operation: 'package.list', name: 'no such manager', input: { manager: 'apk' }, fails: { kind: 'exit' } },
    { operation: 'package.refresh', input: apt, gives: { changed: true } },
    {
      operation: 'package.refresh',
      name: 'a repository that is not there',
      input: apt,
      setUp: `echo 'deb [trusted=yes] file:/srv/none ./' >/etc/apt/sources.list.d/none.list`,
      cleanUp: 'rm -f /etc/apt/sources.list.d/none.list',
      fails: { kind: 'exit', code: 1 },
    },
    { operation: 'package.remove', input: { names, purge: true, ...apt }, setUp: old, gives: { changed: true } },
    {
      operation: 'package.remove',
      name: 'it is not there',
      input: { names, ...apt },
      setUp: absent,
      gives: { changed: false },
    },
    { operation: 'package.remove', name: 'no such manager', input: { names, manager: 'apk' }, fails: { kind: 'exit' } },
    { operation: 'package.updates', input: {}, setUp: old },
    { operation: 'package.updates', name: 'no such manager', input: { manager: 'apk' }, fails: { kind: 'exit' } },
    { operation: 'package.upgrade', input: { names, ...apt }, setUp: old, gives: { changed: true } },
    {
      operation: 'package.upgrade',
      name: 'no such manager',
      input: { names, manager: 'apk' },
      fails: { kind: 'exit' },
    },
  ],
}
