import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { askAway, makeExtras } from './canary/away.ts'
import { findIn } from './canary/forms.ts'
import { askLeases } from './canary/leases.ts'
import { canaries, openCanaryStage, type CanaryStage } from './canary/stage.ts'
import { makeSystems } from './canary/verbs.ts'

const minutes = 60_000
let stage: CanaryStage
beforeAll(async () => {
  stage = await openCanaryStage()
  await stage.start()
}, 3 * minutes)
afterAll(() => stage?.stop())

const token = canaries['token of DigitalOcean']
const accounts = ['aws', 'do'] as const
/** The one that never comes is first: what waits for it does so while all else goes on. */
const lost = ['hang', 'drop-before', 'drop-after'] as const
/** The key that is refused comes last: then all else waits until somebody tries the account. */
const ec2Codes = [
  'UnauthorizedOperation',
  'InsufficientInstanceCapacity',
  'VcpuLimitExceeded',
  'InternalError',
  'IncorrectInstanceState',
  'InvalidParameterValue',
  'RequestLimitExceeded',
  'AuthFailure',
]
const besideCodes = ['InvalidParameterValue', 'UnauthorizedOperation', 'InternalError']
const doStatuses = [400, 403, 409, 422, 500, 503, 429, 401]
/** A server that says in its refusals what it was sent. */
const answerOf = (status: number, sent = '') => {
  const message = `refused: Bearer ${token}, ${token} ${sent}`
  return { answer: { status, id: 'refused', message } }
}
/** What is said when no answer came before the deadline. */
const silences = ['the call was given up at its deadline', 'DigitalOcean did not answer before the deadline']
const isToldOf = (step: string, reason: string): boolean =>
  stage.service.output.join('').includes(`"step":"${step}","reason":"${reason}`)

const prepare = async (): Promise<void> => {
  const { ask, droplets, ec2, file } = stage
  const key = file('aws', `AKIATEST:${canaries['secret key of EC2']}`)
  const bodies = {
    aws: { provider: 'ec2', regions: [ec2.setup.region], secret: key, settings: { endpoint: ec2.url } },
    do: {
      provider: 'digitalocean',
      regions: ['nyc3'],
      secret: file('do', token),
      settings: { endpoint: droplets.url },
    },
  }
  const ways = ec2Codes.length + lost.length
  const names = ['start', 'stop', 'leased', ...Array.from({ length: ways }, (_, n) => `gone-${n}`)]
  for (const one of accounts) {
    expect((await ask('PUT', `/v1/accounts/${one}`, bodies[one])).status).toBe(200)
    await makeSystems(stage, one, names)
    await makeExtras(stage, one)
  }
}

test(
  'DELETE of machines, each refused in another way or never answered, what stands beside them, and leases: no secret is told',
  async () => {
    await prepare()
    const { ask, droplets, ec2, until } = stage
    const ci = await stage.service.tokenFor('systems:read', 'systems:write')
    await Promise.all([
      askAway(stage, 'aws', {
        faults: ec2.faults,
        all: [...lost, ...ec2Codes.map(answer => ({ answer }))],
        beside: ['hang', ...besideCodes.map(answer => ({ answer }))],
        making: { answer: 'InvalidParameterValue' },
      }),
      askAway(stage, 'do', {
        faults: droplets.faults,
        all: [...lost, ...doStatuses.map(one => answerOf(one))],
        beside: ['hang', ...[422, 403, 500].map(one => answerOf(one))],
        making: answerOf(422, `with # ${canaries['user-data']}`),
      }),
      askLeases(stage, 'aws', {
        token: ci,
        faults: ec2.faults,
        all: [...lost, ...besideCodes.map(answer => ({ answer }))],
      }),
      askLeases(stage, 'do', {
        token: ci,
        faults: droplets.faults,
        all: [...lost, ...[422, 403, 500].map(one => answerOf(one))],
      }),
    ])
    for (const silence of silences) await until(`a destroy says: ${silence}`, async () => isToldOf('destroy', silence))
    await until('what was to be made says why, without its user-data', async () =>
      / 422 refused: .*with \[redacted\]$/.test((await stage.service.system('do-made')).reason ?? ''),
    )
    for (const one of ['systems', 'jobs', 'accounts', 'notices', 'snapshots']) await ask('GET', `/v1/${one}`)
    const all = { logs: stage.service.output.join(''), rows: await stage.rows(), replies: stage.said.join('\n') }
    const secrets = { ...canaries, 'a token that leases are renewed with': ci }
    for (const [where, text] of Object.entries(all)) {
      expect(text.length).toBeGreaterThan(500)
      expect([where, findIn(text, secrets)]).toEqual([where, []])
    }
  },
  5 * minutes,
)
