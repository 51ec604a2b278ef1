import { expect, test } from '@jest/globals'
import { holds } from '../proof/report.ts'
import { runFuzz } from './fuzz/fuzz.ts'
import { shortForm } from './fuzz/plan.ts'

const seed = 20_261_126
const limitMs = 180_000

test(
  'hostile messages and requests crash nothing, grow nothing, and every drop is counted',
  async () => {
    const said: string[] = []
    const report = await runFuzz({ ...shortForm, seed }, line => said.push(line))
    expect({ report, said: holds(report) ? [] : said }).toEqual({ report, said: [] })
    expect(report.measures).toMatchObject({ messages: shortForm.messages, http5xx: 0, dropsUncounted: 0 })
  },
  limitMs,
)
