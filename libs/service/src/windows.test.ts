import { expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, loadConfig } from './config.ts'
import { Type } from 'typebox'
import { makeHold, Windows } from './windows.ts'

const state = '/nowhere'

test('outside the proof kit nothing is held, and asking for it is refused', () => {
  expect(makeHold({ windows: [], proofKit: undefined, state })).toBe(null)
  expect(makeHold({ windows: [], proofKit: '1', state })).toBe(null)
  expect(() => makeHold({ windows: ['commit:5'], proofKit: undefined, state })).toThrow(ConfigError)
})

test.each(['commit', 'commit:', 'nothing:5', 'commit:123456', 'createXsent:5'])('%s is no window', text => {
  const read = () => loadConfig(Type.Object({ windows: Windows }), { environment: { REOPS_WINDOWS: text } })
  expect(read).toThrow(/REOPS_WINDOWS/)
})

test('a window is told while it is open, holds one at a time, and rests before it opens again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'windows-'))
  try {
    const hold = makeHold({ windows: ['commit:400', 'create.sent:1'], proofKit: '1', state: folder })
    const file = join(folder, 'windows', `commit.${process.pid}.json`)
    let isHeld = true
    const held = hold?.('commit', 'call-1').then(() => (isHeld = false))
    await hold?.('commit', 'call-2')
    await hold?.('elsewhere', 'call-3')
    expect(isHeld).toBe(true)
    while (!existsSync(file)) await new Promise(resolve => setImmediate(resolve))
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      point: 'commit',
      subject: 'call-1',
      pid: process.pid,
    })
    await held
    await hold?.('commit', 'call-4')
    expect(await readdir(join(folder, 'windows'))).toEqual([])
  } finally {
    await rm(folder, { recursive: true })
  }
})
