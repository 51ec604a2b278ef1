import { readFile } from 'node:fs/promises'
import { parse, type CallExpression, type Node } from 'acorn'
import { transform, type Plugin } from 'esbuild'

const ours: ReadonlySet<unknown> = new Set(['@re-ops/pipelines', '@re-ops/operations'])

/** What the file calls by names that come from our libraries, or that it exports: making steps and operations, which does nothing else. */
const callsIn = (code: string, exported: ReadonlySet<string>): readonly number[] => {
  const program = parse(code, { ecmaVersion: 'latest', sourceType: 'module' })
  const names = new Set(exported)
  for (const one of program.body)
    if (one.type === 'ImportDeclaration' && ours.has(one.source.value))
      for (const { local } of one.specifiers) names.add(local.name)
  const starts: number[] = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (typeof value !== 'object' || value === null || !('type' in value)) return
    const node = value as Node
    if (node.type === 'CallExpression' && isCallOf(node as CallExpression, names)) starts.push(node.start)
    Object.values(node).forEach(visit)
  }
  visit(program)
  return starts
}

/** `ping()`, and `ping.with(...)`. */
const isCallOf = ({ callee }: CallExpression, names: ReadonlySet<string>): boolean =>
  (callee.type === 'Identifier' && names.has(callee.name)) ||
  (callee.type === 'MemberExpression' && callee.object.type === 'Identifier' && names.has(callee.object.name))

/**
 * Tells the bundler that the calls which make steps and operations do nothing but give a value, so that those nobody uses are left
 * out: a pipeline is data by now, and would bring the whole catalogue to the hosts.
 */
export const purePlugin = (file: string, exported: ReadonlySet<string>): Plugin => ({
  name: 'pure',
  setup: build => {
    build.onLoad({ filter: /\.[cm]?[jt]s$/ }, async ({ path }) => {
      if (path !== file) return null
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'ts', format: 'esm', target: 'node24' })
      const starts = callsIn(code, exported).toSorted((a, b) => b - a)
      const contents = starts.reduce((text, at) => `${text.slice(0, at)}/* @__PURE__ */ ${text.slice(at)}`, code)
      return { contents, loader: 'js' }
    })
  },
})
