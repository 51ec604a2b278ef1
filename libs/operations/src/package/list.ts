import { operation, Type, type Static } from '@re-ops/pipelines'
import { scriptWith } from '../script.ts'
import { sections } from '../sections.ts'
import { tabbed } from '../text.ts'
import { Manager, managerInput, managerOf, managerScript, PackageName } from './manager.ts'

const Package = Type.Object({ name: Type.String(), version: Type.String(), arch: Type.String() })
type Package = Static<typeof Package>

const packagesOf = (text: string | undefined): Package[] =>
  tabbed(text, 3).map(([name = '', version = '', arch = '']) => ({ name, version, arch }))

export const packageList = operation({
  name: 'package.list',
  doc: 'The installed packages with their versions.',
  input: Type.Object(
    {
      name: Type.Optional(Type.String({ maxLength: 256, description: 'only those with this in their name' })),
      ...managerInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({ manager: Manager, count: Type.Integer(), packages: Type.Array(Package) }),
  reads: true,
  shell: {
    script: ({ manager }) => scriptWith({ manager }, `${managerScript}\necho "== packages"; installed`),
    parse: ({ stdout }, { name = '' }) => {
      const parts = sections(stdout)
      const packages = packagesOf(parts.get('packages')).filter(one => one.name.includes(name))
      return { manager: managerOf(parts.get('manager')), count: packages.length, packages }
    },
  },
  summary: { count: ['min', 'max'], manager: ['histogram'] },
  display: {
    rows: found => found.packages,
    columns: [
      { title: 'PACKAGE', get: (p: Package) => p.name },
      { title: 'VERSION', get: (p: Package) => p.version },
      { title: 'ARCH', get: (p: Package) => p.arch },
    ],
  },
})

const Wanted = Type.Object({
  name: Type.String(),
  installed: Type.Boolean(),
  version: Type.Union([Type.String(), Type.Null()]),
})
type Wanted = Static<typeof Wanted>

export const packageInstalled = operation({
  name: 'package.installed',
  doc: 'Whether each of these packages is installed, and in which version.',
  input: Type.Object(
    { names: Type.Array(PackageName, { minItems: 1, maxItems: 256, examples: [['curl']] }), ...managerInput },
    { additionalProperties: false },
  ),
  output: Type.Object({ all: Type.Boolean({ description: 'each of them is' }), packages: Type.Array(Wanted) }),
  reads: true,
  shell: {
    script: ({ names, manager }) =>
      scriptWith(
        { manager },
        `${managerScript}
echo "== packages"; installed | awk -F '\\t' 'BEGIN { while (++n < ARGC) wanted[ARGV[n]]; ARGC = 1 } $1 in wanted' "$@"`,
        names,
      ),
    parse: ({ stdout }, { names }) => {
      const parts = sections(stdout)
      managerOf(parts.get('manager'))
      const found = new Map(packagesOf(parts.get('packages')).map(one => [one.name, one.version]))
      const packages = names.map(name => ({ name, installed: found.has(name), version: found.get(name) ?? null }))
      return { all: packages.every(one => one.installed), packages }
    },
  },
  summary: { all: ['histogram'], 'packages.version': ['histogram'] },
  display: {
    rows: found => found.packages,
    columns: [
      { title: 'PACKAGE', get: (p: Wanted) => p.name },
      { title: 'INSTALLED', get: (p: Wanted) => p.version ?? 'no' },
    ],
  },
})
