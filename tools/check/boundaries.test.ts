import { dirname } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { boundaryViolations, type Repository, type Source } from './boundaries.ts'
import { readRepository } from './repository.ts'

const workspace = (folder: string, name: string, ...dependencies: string[]) => ({
  folder,
  name: `@re-ops/${name}`,
  dependencies,
  devDependencies: [],
})
const repository = (...sources: Source[]): Repository => ({
  workspaces: [
    workspace('libs/protocols', 'protocols', 'typebox'),
    workspace('libs/pipelines', 'pipelines', '@re-ops/protocols', '@re-ops/service'),
    workspace('libs/operations', 'operations', '@re-ops/protocols', '@re-ops/pipelines'),
    workspace('libs/service', 'service', '@re-ops/protocols', '@re-ops/pipelines', 'pg'),
    workspace('libs/client', 'client', '@re-ops/protocols'),
    workspace('apps/re-core', 're-core', '@re-ops/service', '@re-ops/re-mote', '@re-ops/operations'),
    workspace('apps/re-mote', 're-mote', '@re-ops/service'),
    workspace('apps/re-gent', 're-gent', '@re-ops/operations'),
    workspace('tools', 'tools', '@re-ops/re-mote', '@re-ops/re-gent'),
  ],
  rootDevDependencies: ['fast-check'],
  sources,
})
const one = (path: string, name: string) =>
  boundaryViolations(repository({ path, text: `import { x } from '${name}'\n` }))

describe('a seeded violation is found', () => {
  test.each([
    ['libs/protocols/src/a.ts', 'pg', 'not declared in libs/protocols/package.json'],
    ['libs/protocols/src/a.ts', '@re-ops/pipelines', 'may import no workspace'],
    ['libs/pipelines/src/a.ts', '@re-ops/service', 'may import protocols'],
    ['libs/service/src/a.ts', '@re-ops/pipelines', 'may import protocols'],
    ['libs/service/src/a.ts', '@re-ops/re-mote', 'no app (and no library) imports an app'],
    ['apps/re-core/src/a.ts', '@re-ops/re-mote', 'no app (and no library) imports an app'],
    ['apps/re-core/src/a.ts', '@re-ops/re-mote/testing', 'no app (and no library) imports an app'],
    ['apps/re-core/src/a.ts', '../../re-gent/src/keys.ts', 'a relative path leads out of apps/re-core'],
    ['apps/re-core/src/a.ts', '@re-ops/operations/native', 'the agent alone'],
    ['apps/re-core/src/a.ts', 'fast-check', 'not declared'],
    ['apps/re-core/src/a.ts', '@re-ops/nowhere', 'there is no such workspace'],
    ['apps/re-mote/src/a.ts', '@re-ops/tools', 'tools are imported by nobody'],
    ['libs/operations/src/disk.ts', './disk.native.ts', 'the agent alone'],
    ['tools/a.ts', '@re-ops/re-mote', '@re-ops/re-mote/testing only'],
    ['tools/a.ts', '@re-ops/re-gent', '@re-ops/re-gent/testing, @re-ops/re-gent/embedded only'],
  ])('%s imports %s', (path, name, why) => {
    expect(one(path, name)).toEqual([expect.stringContaining(why)])
  })

  test('in every form of an import', () => {
    // The words are filled in here, so that this file itself does not import what it names.
    const text = [
      "IMPORT type { A } from 'a'",
      "EXPORT * from 'b'",
      "IMPORT 'c'",
      "const d = await IMPORT('d')",
      "const e = REQUIRE('e')",
      "IMPORT {\n  many,\n  lines,\n} from 'f'",
    ]
      .join('\n')
      .replaceAll(/IMPORT|EXPORT|REQUIRE/g, word => word.toLowerCase())
    const found = boundaryViolations(repository({ path: 'apps/re-mote/src/a.ts', text }))
    expect(found.map(line => /imports (\w+):/.exec(line)?.[1])).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })
})

test.each([
  ['apps/re-gent/src/a.ts', '@re-ops/operations/native'],
  ['apps/re-core/src/a.test.ts', 'fast-check'],
  ['apps/re-core/src/a.ts', 'node:fs'],
  ['libs/operations/src/native.ts', './disk.native.ts'],
  ['tools/a.ts', '@re-ops/re-mote/testing'],
  ['tools/a.ts', '@re-ops/re-gent/embedded'],
  ['libs/operations/src/a.ts', '@re-ops/pipelines'],
])('%s may import %s', (path, name) => {
  expect(one(path, name)).toEqual([])
})

test('an import that only a comment names is none', () => {
  const text = ['// IMPORT x from "pg"', '/*', 'IMPORT y from "pg"', '*/'].join('\n').replaceAll('IMPORT', 'import')
  expect(boundaryViolations(repository({ path: 'libs/protocols/src/a.ts', text }))).toEqual([])
})

test('the check reads this repository: every workspace, and sources of each', async () => {
  const { workspaces, sources } = await readRepository(dirname(dirname(import.meta.dirname)))
  const folders = workspaces.map(({ folder }) => folder).toSorted()
  expect(folders).toEqual(expect.arrayContaining(['apps/re-core', 'apps/re-gent', 'libs/protocols', 'tools']))
  for (const folder of ['apps/re-gent', 'libs/protocols', 'tools'])
    expect(sources.some(({ path }) => path.startsWith(`${folder}/`))).toBe(true)
})
