import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeBundles, type AgentBundle } from './bundle.ts'
import { whyNot } from './probe.ts'
import { unitOf } from './scripts.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reops-bundle-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const bundleOf = async (name: string, files: Readonly<Record<string, string>>): Promise<AgentBundle> => {
  const from = join(folder, name)
  mkdirSync(from)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(from, file), text)
  const node = join(folder, 'some-node')
  writeFileSync(node, '#!/bin/sh\necho it runs\n')
  return makeBundles({ folder: from, state: join(folder, `state-${name}`), node })()
}

describe('the bundle of agents', () => {
  test('is unpacked by tar, is named by its content, and is made once', async () => {
    const files = { 'main.cjs': 'console.log(1)', 'a file': 'x'.repeat(1_000) }
    const [one, same, other] = await Promise.all([
      bundleOf('one', files),
      bundleOf('same', files),
      bundleOf('other', { ...files, 'main.cjs': 'console.log(2)' }),
    ])
    expect(one?.build).toMatch(/^[0-9a-f]{12}$/)
    expect(same?.build).toBe(one?.build)
    expect(other?.build).not.toBe(one?.build)
    expect(readdirSync(join(folder, 'state-one/agents'))).toEqual([`${one?.build}.tgz`])

    const to = join(folder, 'unpacked')
    mkdirSync(to)
    expect(spawnSync('tar', ['-xzf', one?.archive ?? '', '-C', to]).status).toBe(0)
    expect(readdirSync(to).toSorted()).toEqual(['a file', 'complete', 'main.cjs', 'node'])
    expect(readFileSync(join(to, 'a file'), 'utf8')).toBe(files['a file'])
    expect(statSync(join(to, 'node')).mode & 0o777).toBe(0o755)
    expect(spawnSync(join(to, 'node'), { encoding: 'utf8' }).stdout).toBe('it runs\n')
  })

  test('that is not there is said with the variable that names it', async () => {
    await expect(makeBundles({ folder: undefined, state: folder })()).rejects.toThrow('REMOTE_AGENT')
  })
})

describe('a host', () => {
  const bundle = { build: '0', archive: '', archiveBytes: 0, unpackedBytes: 100 * 2 ** 20, machine: 'x86_64' }
  const said = {
    os: 'Linux',
    machine: 'x86_64',
    uid: '0',
    libc: 'glibc 2.36',
    missing: '',
    writable: 'yes',
    freeKb: '900000',
    has: 'no',
  }
  test.each([
    [{}, null],
    [{ libc: 'glibc 2.28' }, null],
    [{ freeKb: '1000', has: 'yes' }, null],
    [{ os: 'FreeBSD' }, 'it is FreeBSD; the agent is for Linux'],
    [{ machine: 'aarch64' }, 'it is aarch64; the agent of this service is for x86_64'],
    [{ libc: 'musl' }, 'it has musl; the agent needs glibc'],
    [{ libc: 'glibc 2.17' }, 'it has glibc 2.17; the agent needs glibc 2.28 or newer'],
    [{ missing: ' gzip setsid' }, 'it has no gzip, setsid'],
    [{ uid: '1000', writable: 'no' }, 'uid 1000 may not write /opt/re-gent'],
    [{ freeKb: '51200' }, '/opt/re-gent has 50 MiB free; 120 are needed'],
  ])('%j: %s', (more, why) => {
    expect(whyNot({ ...said, ...more }, bundle, '/opt/re-gent')).toBe(why)
  })

  test('has one unit per prefix', () => {
    expect(unitOf('/opt/re-gent')).toBe('re-gent.service')
    expect(unitOf('/srv/other')).toMatch(/^re-gent-[0-9a-f]{8}\.service$/)
  })
})
