import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

/** Where the prompt, the command line or a bench leaves the real `operation` and `Type` for a module that is looked at. */
export const hostSymbol = 're-ops.live'

/**
 * What `@re-ops/pipelines` is inside a live module. The schemas were read when it was made and travel beside the code, so on
 * a host `Type` need not be the real one: without it a module is 1 KB instead of 200, and loads in a millisecond. A file that
 * uses more of the library than `operation` and `Type` gets the rest of it bundled (`whole`), which takes longer.
 */
const shim = (whole: boolean) => `
const host = globalThis[Symbol.for('${hostSymbol}')]
const blank = new Proxy(function () {}, { get: (_, key) => (key === Symbol.toPrimitive ? () => '' : blank), apply: () => blank })
export const Type = host ? host.Type : blank
${
  whole
    ? `// Where the callbacks of a pipeline run, the pipeline is made again: an operation is called for its step.
const step = (spec, more) => ({ kind: 'call', operation: spec.name, ...more })
const callable = spec => Object.defineProperties(input => step(spec, { input: input ?? {} }), Object.fromEntries(
  Object.entries({ ...spec, with: inputFrom => step(spec, { inputFrom }) }).map(([key, value]) => [key, { value, enumerable: true }])))
export const operation = host ? host.operation : callable
export * from '@re-ops/pipelines'`
    : 'export const operation = host ? host.operation : spec => spec'
}
`
/** What esbuild says of a name that the shim alone does not have. */
export const needsWhole = (text: string): boolean => /No matching export in "live:pipelines"/.test(text)

const library = () => fileURLToPath(import.meta.resolve('@re-ops/pipelines'))
const refusedBuiltins = ['cluster', 'inspector', 'repl', 'test', 'sea', 'wasi']

/** Resolves our library to the shim, node's own modules to `node:` names, and refuses what would not be on a host. */
export const livePlugin = (whole: boolean): Plugin => ({
  name: 'live',
  setup: build => {
    build.onResolve({ filter: /^@re-ops\/pipelines$/ }, ({ pluginData }) =>
      pluginData === 'library' ? { path: library(), sideEffects: false } : { path: 'pipelines', namespace: 'live' },
    )
    build.onLoad({ filter: /.*/, namespace: 'live' }, () => ({
      contents: shim(whole),
      loader: 'js',
      resolveDir: import.meta.dirname,
      pluginData: 'library',
    }))
    // Our other libraries are found from here when they are not installed beside the file.
    build.onResolve({ filter: /^(@re-ops\/|typebox)/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === 'tried') return null
      const found = await build.resolve(path, { kind, resolveDir, pluginData: 'tried' })
      if (found.errors.length === 0) return { ...found, sideEffects: false }
      return build.resolve(path, { kind, resolveDir: import.meta.dirname, pluginData: 'tried' })
    })
    build.onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path }) => {
      if (!isBuiltin(path)) return null
      const name = path.replace(/^node:/, '')
      return refusedBuiltins.includes(name.split('/')[0] ?? '')
        ? { errors: [{ text: `node:${name} may not be used by a live module` }] }
        : { path: `node:${name}`, external: true, sideEffects: false }
    })
  },
})
