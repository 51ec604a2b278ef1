import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { ConfigError, loadConfig, type ConfigSources } from './config.ts'
import { resolveReference } from './reference.ts'

const Config = Type.Object({
  port: Type.Integer({ env: 'TRY_PORT', minimum: 0, maximum: 65_535, default: 7020 }),
  host: Type.String({ env: 'TRY_HOST', default: '127.0.0.1', minLength: 1 }),
  level: Type.Enum(['info', 'debug'], { env: 'TRY_LEVEL', default: 'info' }),
  color: Type.Boolean({ env: 'TRY_COLOR', default: false }),
  faults: Type.Array(Type.Enum(['a', 'b']), { env: 'TRY_FAULTS', default: [] }),
  key: Type.Optional(Type.String({ env: 'TRY_KEY', secret: true })),
  url: Type.Optional(Type.String({ env: 'TRY_URL', redact: true, pattern: '^http', description: 'an http URL' })),
  name: Type.String({ env: 'TRY_NAME' }),
})
const load = (environment: Record<string, string>, more: Omit<ConfigSources, 'environment'> = {}) =>
  loadConfig(Config, { environment: { TRY_NAME: 'n', ...environment }, ...more })
const problems = (
  environment: Record<string, string>,
  more: Omit<ConfigSources, 'environment'> = {},
): readonly string[] => {
  try {
    load(environment, more)
    return []
  } catch (error) {
    return (error as ConfigError).problems
  }
}
let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 're-ops-config-'))
  file = join(folder, 'config.json')
})
afterAll(() => rm(folder, { recursive: true }))

test('environment over file over default; an empty variable is as if it were not set', async () => {
  await writeFile(file, JSON.stringify({ port: 1, host: 'file', color: true }))
  expect(load({ TRY_PORT: '2', TRY_HOST: '', TRY_FAULTS: 'a, b' }, { file })).toEqual({
    port: 2,
    host: 'file',
    color: true,
    level: 'info',
    faults: ['a', 'b'],
    name: 'n',
  })
})

test('an alias is another name for a variable; the own name wins', () => {
  const aliases = { PORT: 'TRY_PORT' }
  expect(load({ PORT: '1' }, { aliases }).port).toBe(1)
  expect(load({ PORT: '1', TRY_PORT: '2' }, { aliases }).port).toBe(2)
  expect(problems({ PORT: 'x' }, { aliases })).toEqual(['PORT="x": must be an integer 0 to 65535'])
})

describe('every wrong field has one line that names the variable, the value and what is allowed', () => {
  test.each([
    [{ TRY_PORT: 'x' }, 'TRY_PORT="x": must be an integer 0 to 65535'],
    [{ TRY_PORT: '65536' }, 'TRY_PORT=65536: must be an integer 0 to 65535'],
    [{ TRY_PORT: '1.5' }, 'TRY_PORT=1.5: must be an integer 0 to 65535'],
    [{ TRY_LEVEL: 'loud' }, 'TRY_LEVEL="loud": must be one of info, debug'],
    [{ TRY_COLOR: 'red' }, 'TRY_COLOR="red": must be true or false'],
    [{ TRY_FAULTS: 'a,c' }, 'TRY_FAULTS=["a","c"]: must be a list, each one of a, b'],
    [{ TRY_NAME: '' }, 'TRY_NAME is not set: must be a text'],
    [{ TRY_URL: 'ftp://canary' }, 'TRY_URL: must be an http URL'],
    [{ TRY_KEY: 'canary' }, 'TRY_KEY: must be a reference: secret:name, file:path or env:NAME'],
  ])('%j', (environment, line) => {
    expect(problems(environment as Record<string, string>)).toEqual([line])
  })
  test('all of them at once', () => {
    expect(problems({ TRY_PORT: 'x', TRY_LEVEL: 'x', TRY_NAME: '' })).toHaveLength(3)
  })
  test('the file', async () => {
    await writeFile(file, '{"port": "7", "colour": 1}')
    expect(problems({}, { file })).toEqual([
      `${file}: colour: unknown field; allowed are port, host, level, color, faults, key, url, name`,
      `${file}: port="7": must be an integer 0 to 65535`,
    ])
    await writeFile(file, '{"key": canary}')
    expect(problems({}, { file })).toEqual([`config file ${file}: is not JSON; a JSON object of fields is allowed`])
    expect(problems({}, { file: join(folder, 'none') })[0]).toContain('ENOENT')
    await writeFile(file, '[]')
    expect(problems({}, { file })[0]).toContain('is not an object')
  })
})

describe('references', () => {
  test('file: and env: are followed, secret: is asked of the store', async () => {
    await writeFile(file, 'from file\n')
    const secrets = { get: async (name: string) => (name === 'known' ? 'from store' : undefined) }
    expect(await resolveReference(`file:${file}`, {})).toBe('from file')
    expect(await resolveReference('env:X', { environment: { X: 'from env' } })).toBe('from env')
    expect(await resolveReference('secret:known', { secrets })).toBe('from store')
    await expect(resolveReference('secret:other', { secrets })).rejects.toThrow('secret:other does not exist')
    await expect(resolveReference('secret:known', {})).rejects.toThrow('allowed are file:path and env:NAME')
    await expect(resolveReference('env:X', { environment: {} })).rejects.toThrow('env:X is not set')
    await expect(resolveReference('file:/none', {})).rejects.toThrow('file:/none cannot be read (ENOENT)')
    await expect(resolveReference('canary', {})).rejects.toThrow(/^(?!.*canary).*not a reference/)
  })
  test('a secret field takes each kind of reference', () => {
    for (const key of ['secret:a/b.c', 'file:/x y', 'env:A_B']) expect(load({ TRY_KEY: key }).key).toBe(key)
    for (const key of ['secret:', 'secret:../x y', 'env:A B', 'plain'])
      expect(problems({ TRY_KEY: key })).toHaveLength(1)
  })
})
