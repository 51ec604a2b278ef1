import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Mote } from '@re-ops/client'
import type { Made } from '@re-ops/live/make'
import { inputOf } from '../arguments/input.ts'
import { usage } from '../fault.ts'

/** Whether a word names a file instead of an operation: `./ops/certificate.ts`, `ops.ts#certificateExpiry`. */
export const isModulePath = (word: string): boolean => /\.(ts|mts|js|mjs)(#|$)/.test(word)

export type LiveCall = {
  readonly kind: 'call'
  readonly operation: string
  readonly module: string
  readonly input?: Readonly<Record<string, unknown>>
}

/** The step that calls an operation of a file, which is bundled and, when its hash is new, pushed first. */
export const callOfFile = async (
  mote: Mote,
  word: string,
  inputs: readonly string[],
  cwd: string,
): Promise<LiveCall> => {
  const [path = '', wanted] = word.split('#')
  const made = await makeModule(path, cwd)
  const operation = pick(made, path, wanted)
  const input = inputs.length === 0 ? {} : { input: inputOf(operation.name, operation.input, inputs) }
  await pushWhenNew(mote, made)
  return { kind: 'call', operation: operation.name, module: made.hash, ...input }
}

const makeModule = async (path: string, cwd: string): Promise<Made> => {
  const file = resolve(cwd, path)
  if (!existsSync(file) || !statSync(file).isFile()) throw usage(`there is no file ${path}`)
  const make = await import('@re-ops/live/make').catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw usage('this build of reops comes without a bundler, so it cannot run files; use the one of the repository')
  })
  const opened = await make.openModuleFile(file, cwd)
  try {
    return await opened.make()
  } catch (error) {
    throw error instanceof make.ModuleError ? usage(error.message) : error
  } finally {
    await opened.close()
  }
}

const pick = (made: Made, path: string, wanted: string | undefined) => {
  const names = Object.entries(made.exports).map(([exported, name]) => `${exported} (${name})`)
  const name = wanted === undefined ? undefined : (made.exports[wanted] ?? wanted)
  const found = made.operations.filter(one => name === undefined || one.name === name)
  const [only, another] = found
  if (!only) throw usage(`${path} exports no operation \`${wanted}\`; there are ${names.join(', ')}`)
  if (another) throw usage(`${path} exports several operations; write ${path}#NAME, with one of ${names.join(', ')}`)
  return only
}

const pushWhenNew = async (mote: Mote, { hash, code, operations, limits }: Made): Promise<void> => {
  const known = await mote.module(hash).catch((error: unknown) => {
    if ((error as { status?: unknown }).status === 404) return null
    throw error
  })
  if (known === null) await mote.pushModule({ hash, code, operations, limits })
}
