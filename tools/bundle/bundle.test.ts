import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { bundle, trespasses } from './bundle.ts'
import { bundles } from './bundles.ts'
import { outputName } from './children.ts'

const root = dirname(dirname(import.meta.dirname))
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundle-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
const run = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })

test.each([
  ['apps/re-mote/src/broker/main.ts', 'broker.mjs'],
  ['libs/service/src/postgres/guard.ts', 'guard.mjs'],
  ['apps/re-gent/src/main.ts', 're-gent.mjs'],
  ['libs/operations/src/facts.sh', 'facts.sh'],
])('beside the bundle %s is %s', (path, name) => expect(outputName(path)).toBe(name))

test('programs and files that a program names by URL are found from the bundle too', async () => {
  const source = join(folder, 'source')
  await mkdir(join(source, 'child'), { recursive: true })
  const start = (name: string) =>
    `spawnSync(process.execPath, [fileURLToPath(new URL('${name}', import.meta.url))], { stdio: 'inherit' })`
  const imports = `import { spawnSync } from 'node:child_process'\nimport { readFileSync } from 'node:fs'\nimport { fileURLToPath } from 'node:url'\n`
  await writeFile(join(source, 'main.ts'), `${imports}console.log('main')\n${start('./child/main.ts')}\n`)
  await writeFile(join(source, 'child/main.ts'), `${imports}console.log('child')\n${start('../grandchild.ts')}\n`)
  const read = `console.log(readFileSync(new URL('./words.txt', import.meta.url), 'utf8'))`
  await writeFile(join(source, 'grandchild.ts'), `${imports}${read}\n`)
  await writeFile(join(source, 'words.txt'), 'words')
  const out = join(folder, 'elsewhere')
  await bundle(source, out, 'main.ts')
  expect((await readdir(out)).sort()).toEqual(['child.mjs', 'grandchild.mjs', 'main.mjs', 'package.json', 'words.txt'])
  await rm(source, { recursive: true })
  expect(run(join(out, 'main.mjs')).stdout.trim().split('\n')).toEqual(['main', 'child', 'words'])
})

test('the agent’s bundle runs outside the workspace and holds nothing of the services', async () => {
  const out = join(folder, 're-gent')
  const { metafile } = await bundle(root, out, bundles['re-gent']?.entry ?? '', 'host')
  expect(trespasses(metafile, bundles['re-gent']?.forbidden ?? [])).toEqual([])
  const { status, stderr } = run(join(out, 'main.cjs'), '--state', join(folder, 'state'))
  expect(stderr).toContain('REGENT_URL')
  expect(status).toBe(2)
})

test('a forbidden package is named with the source that imports it', async () => {
  const out = join(folder, 'other')
  const { metafile } = await bundle(root, out, 'libs/protocols/src/index.ts')
  expect(trespasses(metafile, ['typebox', 'fastify'])).toEqual([
    expect.stringMatching(/^typebox, imported by libs\/protocols\/src\/.*\.ts$/),
  ])
})
