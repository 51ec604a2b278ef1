import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Mote } from '@re-ops/client'
import type { FileContent, Made } from '@re-ops/live/make'
import type { ModuleOperation, StepData } from '@re-ops/protocols'
import { inputOf } from '../arguments/input.ts'
import { usage } from '../fault.ts'

/** Whether a word names a file instead of an operation: `./ops/certificate.ts`, `ops.ts#certificateExpiry`. */
export const isModulePath = (word: string): boolean => /\.(ts|mts|js|mjs)(#|$)/.test(word)

/** What a file says to run: a pipeline of its own, or a call of an operation of its own. Its module is pushed first when its hash is new. */
export const stepOfFile = async (
  mote: Mote,
  word: string,
  inputs: readonly string[],
  cwd: string,
): Promise<StepData> => {
  const [path = '', wanted] = word.split('#')
  const content = await readFileOf(path, cwd)
  const chosen = choose(content, path, wanted)
  const step = chosen.kind === 'operation' ? callOf(chosen.operation, content.module, inputs) : chosen.step
  if (chosen.kind === 'pipeline' && inputs.length > 0)
    throw usage(`${path}#${chosen.name} is a pipeline, whose steps bring their own input; leave out \`${inputs[0]}\``)
  if (content.module) await pushWhenNew(mote, content.module)
  return step
}

const callOf = (operation: ModuleOperation, module: Made | null, inputs: readonly string[]): StepData => ({
  kind: 'call',
  operation: operation.name,
  ...(module ? { module: module.hash } : {}),
  ...(inputs.length === 0 ? {} : { input: inputOf(operation.name, operation.input, inputs) }),
})

const readFileOf = async (path: string, cwd: string): Promise<FileContent> => {
  const file = resolve(cwd, path)
  if (!existsSync(file) || !statSync(file).isFile()) throw usage(`there is no file ${path}`)
  const make = await import('@re-ops/live/make').catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw usage('this build of reops comes without a bundler, so it cannot run files; use the one of the repository')
  })
  const opened = await make.openModuleFile(file, cwd)
  try {
    return await opened.read()
  } catch (error) {
    throw error instanceof make.ModuleError ? usage(error.message) : error
  } finally {
    await opened.close()
  }
}

type Chosen =
  | { readonly kind: 'operation'; readonly name: string; readonly operation: ModuleOperation }
  | { readonly kind: 'pipeline'; readonly name: string; readonly step: StepData }

/** By the name it is exported under (an operation also by its own); without one the default export, else the only one. */
const choose = ({ module, pipelines }: FileContent, path: string, wanted: string | undefined): Chosen => {
  const operations = Object.entries(module?.exports ?? {}).flatMap(([name, own]): Chosen[] => {
    const operation = module?.operations.find(one => one.name === own)
    return operation ? [{ kind: 'operation', name, operation }] : []
  })
  const steps = Object.entries(pipelines).map(([name, step]): Chosen => ({ kind: 'pipeline', name, step }))
  const all = [...steps, ...operations]
  const names = all.map(one => (one.kind === 'operation' ? `${one.name} (${one.operation.name})` : one.name)).join(', ')
  const name = wanted ?? (all.some(one => one.name === 'default') ? 'default' : undefined)
  const isMeant = (one: Chosen) =>
    name === undefined || one.name === name || (one.kind === 'operation' && one.operation.name === name)
  const found = [
    ...new Map(all.filter(isMeant).map(one => [one.kind === 'operation' ? one.operation : one.step, one])).values(),
  ]
  const [only, another] = found
  if (!only) throw usage(`${path} exports no operation or pipeline \`${wanted}\`; there are ${names}`)
  if (another) throw usage(`${path} exports several operations or pipelines; write ${path}#NAME, with one of ${names}`)
  return only
}

const pushWhenNew = async (mote: Mote, { hash, code, operations, limits }: Made): Promise<void> => {
  const known = await mote.module(hash).catch((error: unknown) => {
    if ((error as { status?: unknown }).status === 404) return null
    throw error
  })
  if (known === null) await mote.pushModule({ hash, code, operations, limits })
}
