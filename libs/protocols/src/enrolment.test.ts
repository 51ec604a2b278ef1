import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import {
  allows,
  enrolmentToken,
  keysetIsGenuine,
  Labels,
  newId,
  newSealKeys,
  newSecret,
  newSigningKeys,
  parseEnrolmentToken,
  seal,
  signKeyset,
  unseal,
} from './index.ts'

describe('keyset', () => {
  const root = newSigningKeys()
  const keyset = signKeyset(root, {
    serial: 1,
    root: root.publicKey,
    installation: newId(),
    curveServerKeys: ['a'.repeat(40), 'b'.repeat(40)],
    sealKey: newSecret(),
    moduleKeys: [newSecret()],
    endpoints: ['tcp://127.0.0.1:1', 'tcp://127.0.0.1:2'],
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2027-01-01T00:00:00Z',
  })

  test('is genuine only unchanged and under its own root', () => {
    expect(keysetIsGenuine(root.publicKey, keyset)).toBe(true)
    const changed = [
      { serial: 2 },
      { root: newSigningKeys().publicKey },
      { installation: newId() },
      { curveServerKeys: [...keyset.curveServerKeys].reverse() },
      { curveServerKeys: [keyset.curveServerKeys.join(',')] },
      { sealKey: newSecret() },
      { moduleKeys: [] },
      { endpoints: [keyset.endpoints.join(',')] },
      { notBefore: '2025-01-01T00:00:00Z' },
      { notAfter: '2037-01-01T00:00:00Z' },
      { signature: '' },
    ]
    for (const change of changed)
      expect([change, keysetIsGenuine(root.publicKey, { ...keyset, ...change })]).toEqual([change, false])
  })

  test('of another root is refused even when that root signed it well', () => {
    const other = newSigningKeys()
    const { signature: _, ...parts } = keyset
    expect(keysetIsGenuine(root.publicKey, signKeyset(other, { ...parts, root: other.publicKey }))).toBe(false)
    expect(keysetIsGenuine(root.publicKey, signKeyset(other, parts))).toBe(false)
  })
})

describe('seal', () => {
  test('only the private key opens it, and not when damaged', async () => {
    const [keys, others] = await Promise.all([newSealKeys(), newSealKeys()])
    const sealed = await seal(keys.publicKey, 'secret ✓')
    expect(sealed).not.toContain('secret')
    expect(await unseal(keys.privateKey, sealed)).toBe('secret ✓')
    expect(await unseal(others.privateKey, sealed)).toBeNull()
    const middle = Math.floor(sealed.length / 2)
    const damaged = `${sealed.slice(0, middle)}${sealed[middle] === 'A' ? 'B' : 'A'}${sealed.slice(middle + 1)}`
    expect(await unseal(keys.privateKey, damaged)).toBeNull()
  })

  test('the same text sealed twice differs', async () => {
    const keys = await newSealKeys()
    expect(await seal(keys.publicKey, 'x')).not.toBe(await seal(keys.publicKey, 'x'))
  })

  test('hostile text is null, never an error', async () => {
    const keys = await newSealKeys()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.base64String(),
          fc.tuple(fc.base64String(), fc.base64String()).map(p => p.join('.')),
        ),
        async text => {
          expect(await unseal(keys.privateKey, text)).toBeNull()
        },
      ),
      { numRuns: 200 },
    )
  })
})

test('an enrolment token is read back, and anything else is null', () => {
  const [secret, root] = [newSecret(), newSigningKeys().publicKey]
  expect(parseEnrolmentToken(` ${enrolmentToken(secret, root)}\n`)).toEqual({ secret, root })
  fc.assert(fc.property(fc.string(), text => expect(parseEnrolmentToken(text)).toBeNull()))
})

test('labels: a key that is no label key is refused', () => {
  const labels = Compile(Labels)
  expect(labels.Check({ role: 'web', 'a.b/c': '' })).toBe(true)
  for (const bad of [{ 'a b': 'x' }, { '1a': 'x' }, { '': 'x' }, { a: 1 }, { __proto__: null, 'x=y': 'z' }])
    expect([bad, labels.Check(bad)]).toEqual([bad, false])
})

test('scopes: admin may all, write includes its read, nothing else leaks', () => {
  expect(allows(['admin'], 'tokens:write')).toBe(true)
  expect(allows(['runs:write'], 'runs:read')).toBe(true)
  expect(allows(['runs:read'], 'runs:write')).toBe(false)
  expect(allows(['hosts:write'], 'runs:read')).toBe(false)
  expect(allows([], 'hosts:read')).toBe(false)
})
