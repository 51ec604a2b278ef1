import { operation, Type, type Static } from '@re-ops/pipelines'
import { Process, processesIn, processScript } from '../process.ts'
import { bytes, percent } from '../show.ts'

const Node = Type.Object({ depth: Type.Integer({ minimum: 0, description: '0 for a root' }), ...Process.properties })
type Node = Static<typeof Node>

/** Depth first, children by pid. A process whose parent is not seen (it ended meanwhile, or is outside) is a root. */
const treeOf = (all: readonly Process[], root: number | undefined): Node[] => {
  const byPid = new Map(all.map(one => [one.pid, one]))
  const children = Map.groupBy(all, one => one.ppid)
  const roots = root === undefined ? all.filter(one => !byPid.has(one.ppid)) : all.filter(one => one.pid === root)
  const pending = roots.toSorted((a, b) => b.pid - a.pid).map(one => ({ depth: 0, ...one }))
  const found: Node[] = []
  for (let next = pending.pop(); next; next = pending.pop()) {
    found.push(next)
    const { depth, pid } = next
    for (const child of (children.get(pid) ?? []).toSorted((a, b) => b.pid - a.pid))
      if (child.pid !== pid) pending.push({ ...child, depth: depth + 1 })
  }
  return found
}

export const processTree = operation({
  name: 'process.tree',
  doc: 'The processes of the host as a tree, each below the one that started it.',
  input: Type.Object(
    { pid: Type.Optional(Type.Integer({ minimum: 1, description: 'only this one and those below it' })) },
    { additionalProperties: false },
  ),
  output: Type.Array(Node),
  reads: true,
  shell: { script: () => processScript, parse: ({ stdout }, { pid }) => treeOf(processesIn(stdout), pid) },
  varies: { '': 'any' },
  display: {
    rows: found => found,
    columns: [
      { title: 'PID', get: (p: Node) => String(p.pid) },
      { title: 'USER', get: (p: Node) => p.user },
      { title: 'CPU', get: (p: Node) => percent(p.cpu) },
      { title: 'MEMORY', get: (p: Node) => bytes(p.memoryBytes) },
      { title: 'COMMAND', get: (p: Node) => `${'  '.repeat(p.depth)}${p.command}` },
    ],
  },
})
