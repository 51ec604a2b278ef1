import { expect, test } from '@jest/globals'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { enrolmentToken, newSecret } from '@re-ops/protocols'
import { readConfig } from './config.ts'
import { AgentExit } from './exit.ts'
import { temporaryFolder } from './testing/process.ts'

const refused = (args: readonly string[], environment: Record<string, string>): string => {
  try {
    readConfig(args, environment)
  } catch (error) {
    expect(error).toBeInstanceOf(AgentExit)
    expect((error as AgentExit).code).toBe(2)
    return (error as AgentExit).message
  }
  throw new Error('the configuration was accepted')
}
const state = ['--state', '/nowhere/re-gent']

test.each([
  ['no state folder', [], {}, /^no state folder; give --state/],
  ['an argument', ['--stat', 'x'], {}, /^argument "--stat" is not known; allowed: --state/],
  ['a url', state, { REGENT_URL: 'ftp://x' }, /^REGENT_URL .*"ftp:\/\/x".*allowed: http/],
  [
    'a url with a password',
    state,
    { REGENT_URL: 'http://u:canary@x' },
    /^(?!.*canary)REGENT_URL .*\*\*\*@x.*allowed: http/,
  ],
  ['a name', state, { REGENT_NAME: 'a b' }, /^REGENT_NAME .*"a b".*allowed: letters/],
  ['labels', state, { REGENT_LABELS: 'role' }, /^REGENT_LABELS has "role"; allowed: key=value/],
  ['slots', state, { REGENT_SLOTS: '0' }, /^REGENT_SLOTS .* is 0: .*1 to 256$/],
  ['a level', state, { REOPS_LOG_LEVEL: 'loud' }, /^REOPS_LOG_LEVEL .*"loud".*debug, info/],
  ['a fault outside the proof kit', state, { REOPS_FAULTS: 'no-journal' }, /outside the proof kit/],
  [
    'a fault',
    state,
    { REOPS_FAULTS: 'no-luck', REOPS_PROOF_KIT: '1' },
    /^REOPS_FAULTS .*no-luck.*allowed: ack-before-commit/,
  ],
  ['a token', state, { REGENT_TOKEN: 'canary' }, /^(?!.*canary)REGENT_TOKEN .*not an enrolment token/],
  [
    'a token file',
    state,
    { REGENT_TOKEN_FILE: '/nowhere/token' },
    /^REGENT_TOKEN_FILE \/nowhere\/token cannot be read \(ENOENT\)/,
  ],
] as const)('wrong %s is one line: what, where, what is allowed', (_, args, environment, line) => {
  const message = refused(args, environment)
  expect(message).toMatch(line)
  expect(message.split('\n')).toHaveLength(1)
})

test('the environment wins over the file, the file over the defaults; unknown fields are refused', () => {
  const folder = temporaryFolder()
  const token = enrolmentToken(newSecret(), newSecret())
  const file = (content: unknown) =>
    writeFileSync(join(folder.path, 'config.json'), JSON.stringify(content), { mode: 0o600 })
  try {
    mkdirSync(folder.path, { recursive: true })
    file({ url: 'http://file:1', token, name: 'from-file', labels: { a: 'b' } })
    const config = readConfig([], {
      REGENT_STATE: folder.path,
      REGENT_NAME: 'from-env',
      REGENT_LABELS: 'role=web, env=test',
    })
    expect(config).toMatchObject({
      url: 'http://file:1',
      token,
      name: 'from-env',
      labels: { role: 'web', env: 'test' },
      slots: 16,
    })
    file({ url: 'http://file:1', colour: 'red' })
    expect(refused(['--state', folder.path], {})).toMatch(
      /config\.json has a field that is not known; allowed: url, token/,
    )
  } finally {
    folder.remove()
  }
})
