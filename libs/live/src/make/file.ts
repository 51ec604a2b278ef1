import { relative, resolve } from 'node:path'
import { context, type BuildContext, type BuildFailure, type Message } from 'esbuild'
import { evaluate } from './evaluate.ts'
import { moduleOf, ModuleError, type Made } from './module.ts'
import { livePlugin, needsWhole } from './plugin.ts'

export type ModuleFile = {
  /** Bundles and looks at the file as it is now. Throws ModuleError with file:line:column of each fault. */
  make(): Promise<Made & { readonly bundleMs: number }>
  close(): Promise<void>
}

/**
 * A user's file as a live module. The bundler stays: the first time it costs 50 ms and more, after an edit a few. `cwd` is
 * what paths in messages are relative to.
 */
export const openModuleFile = async (path: string, cwd = process.cwd()): Promise<ModuleFile> => {
  const file = resolve(cwd, path)
  const where = relative(cwd, file)
  let whole = false
  let builder = await builderOf(file, cwd, whole)
  const bundle = async (): Promise<string> => {
    const built = await builder.rebuild().catch((error: unknown) => error as BuildFailure)
    if (!('errors' in built) || !Array.isArray(built.errors)) throw built
    if (!whole && built.errors.some(({ text }) => needsWhole(text))) {
      await builder.dispose()
      whole = true
      builder = await builderOf(file, cwd, whole)
      return bundle()
    }
    if (built.errors.length > 0) throw new ModuleError(built.errors.map(lineOf))
    return ('outputFiles' in built && built.outputFiles?.[0]?.text) || ''
  }
  return {
    make: async () => {
      const from = performance.now()
      const code = await bundle()
      const bundleMs = performance.now() - from
      const exported = await evaluate(code).catch((error: unknown) => {
        throw new ModuleError([`${where}: ${error instanceof Error ? error.message : String(error)}`])
      })
      return { ...moduleOf(where, code, exported), bundleMs }
    },
    close: () => builder.dispose(),
  }
}

const builderOf = (file: string, cwd: string, whole: boolean): Promise<BuildContext> =>
  context({
    entryPoints: [file],
    absWorkingDir: cwd,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'silent',
    plugins: [livePlugin(whole)],
  })

const lineOf = ({ text, location, notes }: Message): string => {
  const at = location ? `${location.file}:${location.line}:${location.column + 1}: ` : ''
  const note = notes[0]?.text
  return `${at}${text}${note === undefined ? '' : `; ${note}`}`
}
