import { extname, parse, relative, resolve } from 'node:path'
import type { StepData } from '@re-ops/protocols'
import { build, context, type BuildContext, type BuildFailure, type BuildOptions, type Message } from 'esbuild'
import { evaluate } from './evaluate.ts'
import { isOperation, moduleOf, ModuleError, type Made } from './module.ts'
import { hasCallback, isStep, pipelinesOf } from './pipelines.ts'
import { purePlugin } from './pure.ts'
import { livePlugin, needsWhole } from './plugin.ts'

/** What a file brings: a module of the operations it exports, if any, and its pipelines as data. */
export type FileContent = {
  readonly module: Made | null
  readonly pipelines: Readonly<Record<string, StepData>>
  readonly bundleMs: number
}
export type ModuleFile = {
  /** Bundles and looks at the file as it is now. Throws ModuleError with file:line:column of each fault. */
  read(): Promise<FileContent>
  /** The module alone; a file without operations is refused. */
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
  const look = async () => {
    const from = performance.now()
    const code = await bundle()
    const bundleMs = performance.now() - from
    const exported = await evaluate(code).catch((error: unknown) => {
      throw new ModuleError([`${where}: ${error instanceof Error ? error.message : String(error)}`])
    })
    return { code, exported, bundleMs }
  }
  return {
    make: async () => {
      const { code, exported, bundleMs } = await look()
      return { ...moduleOf(where, code, exported), bundleMs }
    },
    read: async () => {
      const { code, exported, bundleMs } = await look()
      const steps = Object.values(exported).filter(isStep)
      const names = Object.keys(exported).filter(name => isOperation(exported[name]))
      if (steps.length === 0) return { module: moduleOf(where, code, exported), pipelines: {}, bundleMs }
      const module = steps.some(hasCallback)
        ? moduleOf(where, code, exported, { without: true })
        : names.length === 0
          ? null
          : // Hosts get the operations alone, without what the pipelines are made of.
            moduleOf(where, await onlyThese(file, cwd, names), exported)
      return { module, pipelines: pipelinesOf(where, exported, module), bundleMs }
    },
    close: () => builder.dispose(),
  }
}

/** A file's bundle as if it exported nothing else. */
const onlyThese = async (file: string, cwd: string, names: readonly string[]): Promise<string> => {
  const { name, dir } = parse(file)
  const contents = `export { ${names.join(', ')} } from ${JSON.stringify(`./${name}${extname(file)}`)}`
  const { plugins } = options(cwd, true)
  const pure = purePlugin(file, new Set(names))
  const built = await build({
    ...options(cwd, true),
    plugins: [pure, ...(plugins ?? [])],
    stdin: { contents, resolveDir: dir, loader: 'ts' },
    write: false,
  })
  return built.outputFiles[0]?.text ?? ''
}

const builderOf = (file: string, cwd: string, whole: boolean): Promise<BuildContext> =>
  context({ ...options(cwd, whole), entryPoints: [file], write: false })

const options = (cwd: string, whole: boolean): BuildOptions => ({
  absWorkingDir: cwd,
  bundle: true,
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
