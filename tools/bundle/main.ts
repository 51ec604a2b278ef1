import { cpSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundle, trespasses, type Bundled } from './bundle.ts'
import { bundles } from './bundles.ts'

/** `node tools/bundle/main.ts [app...]`: bundles of the named apps, or of all, in dist/. */
const root = dirname(dirname(import.meta.dirname))

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)

/** re-mote puts agents onto hosts: in its bundle it finds the agent beside its program. */
const shipAgent = (): void => {
  const [agent, mote] = ['re-gent', 're-mote'].map(name => join(root, 'dist', name)) as [string, string]
  if (!existsSync(join(agent, 'main.cjs')) || !existsSync(mote)) return
  rmSync(join(mote, 're-gent'), { recursive: true, force: true })
  cpSync(agent, join(mote, 're-gent'), { recursive: true })
}

const main = async (names: readonly string[]): Promise<number> => {
  let failed = 0
  for (const name of names.length > 0 ? names : Object.keys(bundles)) {
    const plan = bundles[name]
    if (!plan) {
      process.stderr.write(`no bundle ${name}; known: ${Object.keys(bundles).join(', ')}\n`)
      return 2
    }
    const started = performance.now()
    const bundled = await bundle(root, join(root, 'dist', name), plan.entry, plan.form).catch((error: unknown) => error)
    if (bundled instanceof Error) {
      failed += 1
      process.stderr.write(`dist/${name} is not made: ${bundled.message}\n`)
      continue
    }
    const { folder, metafile } = bundled as Bundled
    const programs = Object.keys(metafile.outputs).filter(path => /\.[cm]js$/.test(path)).length
    const size = (sizeOf(folder) / 2 ** 20).toFixed(1)
    const ms = Math.round(performance.now() - started)
    process.stdout.write(`dist/${name}  ${programs} programs  ${size} MiB  ${ms} ms\n`)
    for (const line of trespasses(metafile, plan.forbidden)) {
      failed += 1
      process.stderr.write(`dist/${name} must not contain ${line}\n`)
    }
  }
  shipAgent()
  return failed > 0 ? 1 : 0
}

process.exitCode = await main(process.argv.slice(2))
