import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild'
import { dirname, join } from 'node:path'
import { zeromqPlugin } from './zeromq.ts'

const namespace = 'typebox'
/** `typebox/value` without what else it offers, which is kept whole as soon as a lazy module imports it. */
const checkAndErrors = (schemaModules: string): string =>
  [
    `export { Check } from '${schemaModules}/check.mjs'`,
    `import { Errors as errorsOf } from '${schemaModules}/errors.mjs'`,
    `export const Errors = (schema, value) => errorsOf(schema, value)[1]`,
  ].join('\n')

const compilerName = 'compiler.cjs'
/** The compiler of schemas is a file of its own, read by an agent that is busy. */
const compileApart = `export const Compile = schema => require('./${compilerName}').Compile(schema)`
export const writeCompiler = async (root: string, folder: string): Promise<Metafile> => {
  const stdin = { contents: `export { Compile } from 'typebox/schema'`, resolveDir: join(root, 'libs/protocols/src') }
  const { plugins: _, outExtension: __, ...options } = hostOptions(root)
  const outfile = join(folder, compilerName)
  const { metafile } = await build({
    ...options,
    absWorkingDir: root,
    stdin,
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    metafile: true,
  })
  return metafile
}

/**
 * The schemas of the agent are made by a few functions instead of typebox's type language (see type.agent.ts), and
 * typebox's modules, which do nothing when they are loaded, are left out where nothing of them is used.
 */
const leanSchemas = (root: string): Plugin => ({
  name: 'lean schemas',
  setup(build) {
    build.onResolve({ filter: /^typebox$/ }, () => ({
      path: join(root, 'libs/protocols/src/type.agent.ts'),
      sideEffects: false,
    }))
    build.onResolve({ filter: /^typebox\/value$/ }, () => ({ path: 'value', namespace, sideEffects: false }))
    build.onLoad({ filter: /^value$/, namespace }, async () => {
      const resolveDir = join(root, 'libs/protocols/src')
      const { path } = await build.resolve('typebox/schema', { resolveDir, kind: 'import-statement' })
      return { contents: checkAndErrors(dirname(path)), resolveDir, loader: 'js' }
    })
    build.onResolve({ filter: /^typebox\/compile$/ }, () => ({ path: 'compile', namespace, sideEffects: false }))
    build.onResolve({ filter: new RegExp(`^\\./${compilerName}$`) }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter: /^compile$/, namespace }, () => ({ contents: compileApart, loader: 'js' }))
    const inside = Symbol('asked by us')
    build.onResolve(
      { filter: /^typebox\/|^\.\.?\/|\/typebox\// },
      async ({ path, importer, resolveDir, kind, pluginData }) => {
        if (pluginData === inside || !/^typebox\/|\/node_modules\/typebox\//.test(`${path} ${importer}`)) return null
        const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: inside })
        return { ...found, sideEffects: false }
      },
    )
  },
})

/**
 * How a program is bundled that runs on every host: CommonJS in one text, since the loader of ES modules alone costs 2 MB
 * of it; what package.json names for the condition `agent`; small, but with all names, so that a stack can be read.
 */
export const hostOptions = (root: string): BuildOptions => ({
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  banner: {},
  conditions: ['agent'],
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 200,
  keepNames: false,
  plugins: [leanSchemas(root), zeromqPlugin],
})
