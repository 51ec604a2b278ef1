import { expect, test } from '@jest/globals'
import { program } from '../acceptance/testing.ts'
import type { Report } from '../proof/report.ts'

const seed = '20261126'
const limitMs = 300_000

test(
  'hostile messages and requests crash nothing, grow nothing, and every drop is counted',
  async () => {
    // As a process of its own: zeromq's events belong to whichever test file of a jest worker used them first.
    const args = ['fuzz', '--short', 'yes', '--keep', 'no', '--json', '--seed', seed]
    const { code, out, error } = await program('tools/chaos/main.ts', args, {}, undefined, limitMs)
    const { measures } = JSON.parse(out) as Report
    expect({ code, said: code === 0 ? '' : error, measures }).toEqual({ code: 0, said: '', measures })
    expect(measures).toMatchObject({ dropsUncounted: 0, http5xx: 0, brokerCrashes: 0, pingsFailed: 0 })
  },
  limitMs,
)
