import { readFile } from 'node:fs/promises'
import { Type, type Static } from 'typebox'
import { ConfigError, type Environment } from './config.ts'
import { isReference, referencePattern } from './is-reference.ts'

/** Where a secret is, never the secret itself. */
export const Reference = Type.String({
  pattern: referencePattern,
  description: 'a reference: secret:name, file:path or env:NAME',
  examples: ['secret:aws-key'],
})
export type Reference = Static<typeof Reference>

/** A reference that names nothing usable. At the start it is a configuration error like any other. */
export class ReferenceError extends ConfigError {
  override readonly name = 'ReferenceError'
}

export type ReferenceSources = {
  readonly environment?: Environment
  readonly secrets?: { get(name: string): Promise<string | undefined> }
}
const fileBytesMax = 64 * 1024

const fromFile = async (path: string): Promise<string> => {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new ReferenceError(`file:${path} cannot be read (${error.code ?? error.message})`)
  })
  if (bytes.length > fileBytesMax) throw new ReferenceError(`file:${path} is larger than ${fileBytesMax} bytes`)
  return bytes.toString('utf8').replace(/\r?\n$/, '')
}

/** The secret a reference names. The error names the reference, never a value. */
export const resolveReference = async (reference: string, sources: ReferenceSources): Promise<string> => {
  if (!isReference(reference))
    throw new ReferenceError('not a reference: allowed are secret:name, file:path and env:NAME')
  const [kind, name] = [reference.slice(0, reference.indexOf(':')), reference.slice(reference.indexOf(':') + 1)]
  if (kind === 'file') return fromFile(name)
  if (kind === 'env') {
    const value = sources.environment?.[name]
    if (!value) throw new ReferenceError(`env:${name} is not set`)
    return value
  }
  if (!sources.secrets)
    throw new ReferenceError(`secret:${name} cannot be used here: allowed are file:path and env:NAME`)
  const value = await sources.secrets.get(name)
  if (value === undefined) throw new ReferenceError(`secret:${name} does not exist`)
  return value
}
