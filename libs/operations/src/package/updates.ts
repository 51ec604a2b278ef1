import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { sections } from '../sections.ts'
import { lines, tabbed } from '../text.ts'
import { Manager, managerInput, managerOf, managerScript } from './manager.ts'

const Update = Type.Object({
  name: Type.String(),
  from: Type.Union([Type.String(), Type.Null()], { description: 'null for one that is new' }),
  to: Type.String(),
  security: Type.Optional(Type.Boolean({ description: 'from an archive for security; only apt says' })),
})
type Update = Static<typeof Update>

/** Nothing is fetched: what the last refresh (package.refresh) brought is looked through. */
const script = `echo "== installed"; case $manager in dnf) installed ;; esac
echo "== updates"
case $manager in
  apt) apt-get -s -o Debug::NoLocking=1 dist-upgrade | grep '^Inst ' || : ;;
  dnf) dnf -q -C repoquery --upgrades --latest-limit 1 --qf '%{name}\\t%{epoch}:%{version}-%{release}\\t%{arch}\\n' ;;
  apk) apk version -l '<' ;;
  zypper) zypper -q --non-interactive --no-refresh list-updates ;;
esac`

/** `Inst base-files [12.4+deb12u5] (12.4+deb12u6 Debian:12.6/stable [amd64])`; more in brackets may follow. */
const aptUpdates = (text: string): Update[] =>
  [...text.matchAll(/^Inst (\S+) (?:\[([^\]]+)\] )?\((\S+) ([^)]*)\)/gm)].map(
    ([, name = '', from, to = '', origin = '']) => ({
      name,
      from: from ?? null,
      to,
      security: /security/i.test(origin),
    }),
  )

const withoutZeroEpoch = (version: string) => version.replace(/^0:/, '')

const dnfUpdates = (text: string, installed: string): Update[] => {
  const have = new Map(tabbed(installed, 3).map(([name = '', version = '', arch = '']) => [`${name} ${arch}`, version]))
  return tabbed(text, 3).map(([name = '', version = '', arch = '']) => ({
    name,
    from: have.get(`${name} ${arch}`) ?? null,
    to: withoutZeroEpoch(version),
  }))
}

/** `busybox-1.36.1-r2       < 1.36.1-r5`; the name goes up to the last dash but one. */
const apkUpdates = (text: string): Update[] =>
  [...text.matchAll(/^(\S+)-([^-\s]+-r\d+)\s+<\s+(\S+)/gm)].map(([, name = '', from = '', to = '']) => ({
    name,
    from,
    to,
  }))

/** A table between bars, whose first line names the columns. */
const zypperUpdates = (text: string): Update[] => {
  const rows = lines(text)
    .filter(line => line.includes('|'))
    .map(line => line.split('|').map(cell => cell.trim()))
  const [head = [], ...body] = rows
  const at = (row: string[], title: string) => row[head.indexOf(title)] ?? ''
  return body.map(row => ({
    name: at(row, 'Name'),
    from: at(row, 'Current Version') || null,
    to: at(row, 'Available Version'),
  }))
}

export const packageUpdates = operation({
  name: 'package.updates',
  doc: 'What could be upgraded, as of the last refresh of the package lists.',
  input: Type.Object({ ...managerInput, ...becomeInput }, { additionalProperties: false }),
  output: Type.Object({
    manager: Manager,
    count: Type.Integer(),
    security: Type.Optional(Type.Integer({ description: 'how many for security; only apt says' })),
    updates: Type.Array(Update),
  }),
  reads: true,
  shell: {
    script: ({ manager }) => scriptWith({ manager }, `${managerScript}\n${script}`),
    ...becomes,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const manager = managerOf(parts.get('manager'))
      const text = parts.get('updates') ?? ''
      const found = {
        apt: () => aptUpdates(text),
        dnf: () => dnfUpdates(text, parts.get('installed') ?? ''),
        apk: () => apkUpdates(text),
        zypper: () => zypperUpdates(text),
      }[manager]()
      const updates = found.sort((a, b) => (a.name < b.name ? -1 : 1))
      const security = manager === 'apt' ? { security: updates.filter(one => one.security).length } : {}
      return { manager, count: updates.length, ...security, updates }
    },
  },
  summary: { count: ['sum', 'max'], security: ['sum', 'max'] },
  display: {
    rows: found => found.updates,
    columns: [
      { title: 'PACKAGE', get: (u: Update) => u.name },
      { title: 'FROM', get: (u: Update) => u.from ?? 'new' },
      { title: 'TO', get: (u: Update) => u.to },
      { title: 'SECURITY', get: (u: Update) => (u.security ? 'yes' : '') },
    ],
  },
})
