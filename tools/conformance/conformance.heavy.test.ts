import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

const limitMs = 900_000

/** What programs are not here is skipped by the suite itself; with most of them the share that is live holds. */
test(
  'every operation says the same over both transports',
  async () => {
    const child = spawn(process.execPath, [
      join(import.meta.dirname, 'main.ts'),
      '--json',
      '--keep',
      'no',
      '--install',
      'no',
    ])
    const said = { out: '', error: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.error += text))
    await new Promise(resolve => child.once('close', resolve))
    if (said.out === '') throw new Error(`no report: ${said.error}`)
    const { measures } = JSON.parse(said.out) as { measures: Record<string, number> }
    const { differs, failed, withoutEnoughRecorded } = measures
    // Without its program an operation is not live; that is told, and is no disagreement.
    const isWhole = !said.error.includes('missing: ')
    expect({
      differs,
      failed,
      short: isWhole ? withoutEnoughRecorded : 0,
      said: differs || failed ? said.error : '',
    }).toEqual({
      differs: 0,
      failed: 0,
      short: 0,
      said: '',
    })
    expect(measures['errorsCompared']).toBeGreaterThan(0)
    if (isWhole) expect(measures['liveShare']).toBeGreaterThanOrEqual(0.8)
  },
  limitMs,
)
