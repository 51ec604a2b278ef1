import { createHash, randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundle } from './bundle.ts'
import { bundles, type Bundle } from './bundles.ts'

const root = dirname(dirname(import.meta.dirname))
const libraries = ['protocols', 'operations', 'pipelines', 'live']
const sources = ['apps/re-gent/src', ...libraries.map(name => `libs/${name}/src`), 'tools/bundle']
const keptMax = 4

/** Names this exact text of the agent and all it is made of. */
const stamp = (): string => {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  for (const folder of sources)
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).toSorted())
      if (/\.(ts|mjs)$/.test(name) && !name.endsWith('.test.ts'))
        hash.update(name).update(readFileSync(join(root, folder, name)))
  return hash.digest('hex').slice(0, 16)
}

/**
 * The agent as it is shipped: one bundled text, which starts four times faster and needs half the memory of the
 * sources. Made (0.6 s) when the sources are newer; safe when several ask at once. Answers the path of its `main.cjs`.
 */
export const agentProgram = async (): Promise<string> => {
  const dist = join(root, 'dist')
  const folder = join(dist, `re-gent-${stamp()}`)
  const program = join(folder, 'main.cjs')
  if (existsSync(program)) {
    utimesSync(folder, new Date(), new Date())
    return program
  }
  const fresh = join(dist, `.re-gent-${randomUUID()}`)
  const { entry, form } = bundles['re-gent'] as Bundle
  await bundle(root, fresh, entry, form)
  rmSync(`${fresh}.meta.json`, { force: true })
  try {
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(program)) throw error // another process made it meanwhile, else it is a real fault
  }
  forgetOld(dist)
  return program
}

/** Earlier texts of the agent: the last few stay, machines that still run them may be started again. */
const forgetOld = (dist: string) => {
  const old = readdirSync(dist)
    .filter(name => name.startsWith('re-gent-'))
    .map(name => ({ path: join(dist, name), at: statSync(join(dist, name)).mtimeMs }))
    .toSorted((a, b) => b.at - a.at)
  for (const { path } of old.slice(keptMax)) rmSync(path, { recursive: true, force: true })
}
