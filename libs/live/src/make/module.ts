import type { AnyOperation } from '@re-ops/pipelines'
import {
  defaultModuleLimits,
  moduleHash,
  moduleLimits,
  schemaProblem,
  type ModuleContent,
  type ModuleLimits,
  type ModuleOperation,
} from '@re-ops/protocols'

/** Why a file or a function is not a live module: one line per fault, `file:line:column: what`. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError'
  readonly lines: readonly string[]
  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

/** A module ready to be pushed, and what its file exports under which name. */
export type Made = ModuleContent & { readonly hash: string; readonly exports: Readonly<Record<string, string>> }

const plain = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A

const describe = (of: AnyOperation): ModuleOperation => ({
  name: of.name,
  doc: of.doc ?? '',
  reads: of.reads === true,
  idempotent: of.idempotent === true,
  ...(of.dry === true ? { dry: true } : {}),
  forms: [...(of.shell ? (['shell'] as const) : []), ...(typeof of.native === 'function' ? (['native'] as const) : [])],
  input: plain(of.input as unknown as Record<string, unknown>),
  output: plain(of.output as unknown as Record<string, unknown>),
  summary: plain(of.summary ?? {}) as Record<string, string[]>,
  varies: plain(of.varies ?? []) as ModuleOperation['varies'],
})

/** Whether an export is an operation. One that was called is a step. */
export const isOperation = (value: unknown): value is AnyOperation =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && 'input' in value && 'output' in value

export type ModuleOptions = {
  readonly limits?: ModuleLimits
  /** It may come without operations: for the callbacks of its pipelines alone. */
  readonly without?: boolean
}

/** The module of a bundled text and what evaluating it exported. Throws ModuleError saying what is wrong with `where`. */
export const moduleOf = (
  where: string,
  code: string,
  exported: Readonly<Record<string, unknown>>,
  { limits = defaultModuleLimits, without = false }: ModuleOptions = {},
): Made => {
  const found = Object.entries(exported).flatMap(([name, value]) =>
    isOperation(value) ? [[name, value] as const] : [],
  )
  const fault = (why: string) => new ModuleError([`${where}: ${why}`])
  if (found.length === 0 && !without)
    throw fault(
      `exports no operation and no pipeline; for example: export const uptime = operation({ name: 'my.uptime', ... })`,
    )
  const bytes = Buffer.byteLength(code)
  if (bytes > moduleLimits.codeBytesMax)
    throw fault(`has ${bytes} bytes when it is bundled; at most ${moduleLimits.codeBytesMax} are allowed`)
  const byName = new Map<string, ModuleOperation>()
  for (const [name, value] of found) {
    if (value.native === true)
      throw fault(`${name}: native: true is for the catalogue; a live operation brings the function itself`)
    for (const part of ['input', 'output'] as const) {
      const why = schemaProblem(plain(value[part]))
      if (why !== null) throw fault(`${name}: its ${part} schema ${why}`)
    }
    if (byName.has(value.name) && found.find(([, other]) => other.name === value.name)?.[1] !== value)
      throw fault(`two operations are called ${value.name}`)
    byName.set(value.name, describe(value))
  }
  const operations = [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const content = { code, operations, limits }
  return {
    ...content,
    hash: moduleHash(content),
    exports: Object.fromEntries(found.map(([name, one]) => [name, one.name])),
  }
}
