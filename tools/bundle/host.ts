import type { BuildOptions, Plugin } from 'esbuild'
import { join } from 'node:path'
import { zeromqPlugin } from './zeromq.ts'

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
    const inside = Symbol('asked by us')
    build.onResolve({ filter: /^typebox\/|^\.\.?\// }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === inside || !/^typebox\/|\/node_modules\/typebox\//.test(`${path} ${importer}`)) return null
      const found = await build.resolve(path, { importer, resolveDir, kind, pluginData: inside })
      return { ...found, sideEffects: false }
    })
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
