import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { makeLog } from '../log.ts'
import { migrate } from '../postgres/migrate.ts'
import { makePool, type Pool } from '../postgres/pool.ts'
import { testPostgres, type TestPostgres } from '../testing/index.ts'
import { ensureTokenKey } from '../tokens.ts'
import { decrypt, encrypt, ensureMasterKeys, newMasterKey, parseMasterKeys } from './cipher.ts'
import { makeSecrets, secretMigration } from './secrets.ts'

const canary = 'canary-71c0'
const log = makeLog({ service: 'test', level: 'silent' })
const oldLine = newMasterKey()
const newLine = newMasterKey()
const oldKeys = parseMasterKeys(oldLine, 'old')
const bothKeys = parseMasterKeys(`# new first\n${newLine}\n${oldLine}\n`, 'both')
const newKeys = parseMasterKeys(newLine, 'new')
let postgres: TestPostgres
let pool: Pool
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 're-ops-secrets-'))
  postgres = await testPostgres()
  pool = makePool({ url: postgres.url, log })
  await migrate({ pool, schema: 's', migrations: [secretMigration('s')], log })
})
afterAll(async () => {
  await pool.end()
  await postgres.drop()
  await rm(folder, { recursive: true })
})

describe('sealing', () => {
  test('any text comes back under any context, and only there', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (text, context, other) => {
        const sealed = encrypt(oldKeys, context, text)
        const wellFormed = Buffer.from(text).toString() // lone surrogates are not text
        expect(decrypt(bothKeys, context, sealed)).toBe(wellFormed)
        if (other !== context)
          expect(() => decrypt(oldKeys, other, sealed)).toThrow('damaged, or was sealed for another place')
      }),
    )
  })
  test('one changed character, a cut text or an unknown key is an error that does not show the text', () => {
    const sealed = encrypt(oldKeys, 'c', canary)
    const flipped = Buffer.from(sealed.text, 'base64url')
    flipped[0] = (flipped[0] ?? 0) ^ 1
    for (const damaged of [
      { ...sealed, text: flipped.toString('base64url') },
      { ...sealed, text: '' },
      { ...sealed, text: sealed.text.slice(0, -4) },
      { ...sealed, nonce: '' },
      { ...sealed, nonce: encrypt(oldKeys, 'c', 'x').nonce },
    ]) {
      expect(() => decrypt(oldKeys, 'c', damaged)).toThrow('damaged')
    }
    expect(() => decrypt(newKeys, 'c', sealed)).toThrow(
      /c: was sealed with master key [0-9a-f]{16}, which is not among/,
    )
  })
})

describe('master keys', () => {
  test('are made once, private, also when several ask at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => ensureMasterKeys({ stateFolder: folder })))
    expect(new Set(all.map(([first]) => first.id)).size).toBe(1)
    expect((await stat(join(folder, 'master.key'))).mode & 0o777).toBe(0o600)
    const tokens = await Promise.all(Array.from({ length: 8 }, () => ensureTokenKey(folder)))
    expect(new Set(tokens.map(({ publicKey }) => publicKey.export({ format: 'jwk' }).x)).size).toBe(1)
  })
  test('come from a reference, and a bad one is named without being shown', async () => {
    const environment = { KEY: newLine, BAD: canary }
    expect((await ensureMasterKeys({ stateFolder: folder, reference: 'env:KEY', environment }))[0].id).toBe(
      newKeys[0].id,
    )
    const bad = ensureMasterKeys({ stateFolder: folder, reference: 'env:BAD', environment })
    await expect(bad).rejects.toThrow(/^(?!.*canary)env:BAD: key 1 is not 32 bytes/)
    await expect(ensureTokenKey(folder, { reference: 'env:BAD', environment })).rejects.toThrow(
      /^(?!.*canary)env:BAD: is not an ed25519/,
    )
    expect(() => parseMasterKeys('\n', 'empty')).toThrow('1 to 16 keys')
  })
})

describe('secrets', () => {
  test('are stored sealed, have versions, and can be listed without their text', async () => {
    const secrets = makeSecrets({ pool, schema: 's', masterKeys: oldKeys })
    expect(await secrets.put('aws', 'first')).toMatchObject({ name: 'aws', version: 1 })
    expect(await secrets.put('aws', canary)).toMatchObject({ version: 2, keyId: oldKeys[0].id })
    expect([await secrets.get('aws'), await secrets.get('none')]).toEqual([canary, undefined])
    expect(JSON.stringify([await secrets.list(), (await pool.query('select * from s.secret')).rows])).not.toContain(
      canary,
    )
    expect(await secrets.resolve('secret:aws')).toBe(canary)
    expect(await secrets.resolve('env:X', { X: 'y' })).toBe('y')
    await expect(secrets.resolve('secret:none')).rejects.toMatchObject({ status: 422 })
    await expect(secrets.put('no spaces', canary)).rejects.toThrow(/^(?!.*canary)/)
    expect([await secrets.remove('aws'), await secrets.remove('aws')]).toEqual([true, false])
  })

  test('a row moved to another name cannot be opened', async () => {
    const secrets = makeSecrets({ pool, schema: 's', masterKeys: oldKeys })
    await secrets.put('mine', canary)
    await pool.query("update s.secret set name = 'yours' where name = 'mine'")
    await expect(secrets.get('yours')).rejects.toThrow('sealed for another place')
    await secrets.remove('yours')
  })

  test('rotation: old rows stay readable beside the new key, then are sealed again and need the old key no more', async () => {
    const before = makeSecrets({ pool, schema: 's', masterKeys: oldKeys })
    for (let n = 0; n < 20; n++) await before.put(`r${n}`, `text ${n}`)
    const during = makeSecrets({ pool, schema: 's', masterKeys: bothKeys })
    expect(await during.get('r7')).toBe('text 7')
    const [rotated] = await Promise.all([during.rotate(), during.rotate(), during.put('r3', 'changed meanwhile')])
    expect(rotated).toBeLessThanOrEqual(20)
    expect(await during.rotate()).toBe(0)
    const after = makeSecrets({ pool, schema: 's', masterKeys: newKeys })
    for (let n = 0; n < 20; n++) expect(await after.get(`r${n}`)).toBe(n === 3 ? 'changed meanwhile' : `text ${n}`)
    await expect(before.get('r7')).rejects.toThrow('not among the keys given')
    expect(await readFile(join(folder, 'master.key'), 'utf8')).toMatch(/^[\w-]{43}\n$/)
  })
})
