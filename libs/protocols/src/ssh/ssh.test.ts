import { createHmac } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  fingerprint,
  judgeHostKey,
  keyTypeOf,
  knownHostLine,
  knownHostName,
  knownTypes,
  namedHosts,
  parseJump,
  parseKnownHosts,
  parseSshConfig,
  resolveSsh,
} from './index.ts'
import { patternsFit } from './pattern.ts'

const resolve = (text: string, alias: string, files: Record<string, string> = {}) => {
  const included = (pattern: string) => (files[pattern] === undefined ? [] : [{ path: pattern, text: files[pattern] }])
  return resolveSsh(parseSshConfig(text, 'config', included), alias)
}

describe('an ssh config', () => {
  test('the first value of a keyword counts, identity files gather, patterns and negations pick', () => {
    const text = `
# of everybody
IdentityFile ~/.shared
Host web-* !web-9
  User deploy
  HostName %h.example.com
  Port=2222
  IdentityFile "~/my keys/%r"
host *
  user nobody
  StrictHostKeyChecking accept-new
  ProxyJump me@bastion:2200,[::1]:22`
    expect(resolve(text, 'web-1')).toEqual({
      hostName: 'web-1.example.com',
      port: 2222,
      user: 'deploy',
      identityFiles: ['~/.shared', '~/my keys/deploy'],
      certificateFiles: [],
      identitiesOnly: false,
      jumps: [
        { user: 'me', host: 'bastion', port: 2200 },
        { host: '::1', port: 22 },
      ],
      knownHostsFiles: [],
      strictHostKeyChecking: 'accept-new',
      warnings: [],
    })
    expect(resolve(text, 'web-9')).toMatchObject({ user: 'nobody', hostName: 'web-9', identityFiles: ['~/.shared'] })
  })

  test('an included file inside a Host block holds for that block alone', () => {
    const text = 'Host a\n Include more\nHost b\n Port 1'
    const files = { more: 'User inner\nHost a*\n  Port 7\nHost other\n  Port 8' }
    expect(resolve(text, 'a', files)).toMatchObject({ user: 'inner', port: 7 })
    expect(resolve(text, 'ab', files)).not.toHaveProperty('port')
    expect(resolve(text, 'b', files)).toMatchObject({ port: 1 })
  })

  test('a file that includes itself ends, with a warning', () => {
    const config = parseSshConfig('Include self', 'x', () => [{ path: 'self', text: 'Include self\nUser u' }])
    expect(config.warnings).toEqual([expect.stringContaining('Include goes deeper than')])
    expect(resolveSsh(config, 'h')).toMatchObject({ user: 'u' })
  })

  test('what is not understood is a warning that says where, and holds for nobody', () => {
    const config = parseSshConfig('Match user x\n  Port 9\nMatch all\n User y\nHost a\n  User "open', 'f')
    expect(config.warnings).toEqual([expect.stringContaining('f:1: Match'), expect.stringContaining('f:6: a quote')])
    expect(resolveSsh(config, 'a')).toMatchObject({ user: 'y' })
    expect(resolveSsh(config, 'a').port).toBeUndefined()
    expect(resolve('Host a\nProxyCommand nc %h\nPort 0', 'a').warnings).toEqual([
      expect.stringContaining('ProxyCommand needs backend openssh'),
      expect.stringContaining('Port 0'),
    ])
  })

  test('names without wildcards are the hosts', () => {
    expect(namedHosts(parseSshConfig('Host a b *.c !d\nHost e', 'f'))).toEqual(['a', 'b', 'e'])
  })

  test('any text is read without throwing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, alias) => {
        resolveSsh(parseSshConfig(`Host ${text}\n${text}\nPort ${text}\nProxyJump ${text}`, 'f'), alias)
        parseKnownHosts(text, 'f')
        parseJump(text)
      }),
    )
  })
})

test.each<[string[], string, boolean]>([
  [['*'], 'x', true],
  [['*.example.com'], 'a.B.EXAMPLE.com', true],
  [['10.0.?.*'], '10.0.1.77', true],
  [['10.0.?.*'], '10.0.12.7', false],
  [['*', '!b*'], 'bc', false],
  [['!b'], 'a', false],
  [['[h]:22'], '[h]:22', true],
  [['a*b*c'], 'aXbXbc', true],
])('patterns %j and the name %s: %s', (patterns, name, expected) => expect(patternsFit(patterns, name)).toBe(expected))

const blob = (type: string, body: string): Buffer => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(type.length)
  return Buffer.concat([size, Buffer.from(type), Buffer.from(body.padEnd(36, '.'))])
}
const text = (key: Buffer) => `${keyTypeOf(key)} ${key.toString('base64')}`

describe('known hosts', () => {
  const [one, two] = [blob('ssh-ed25519', 'one'), blob('ssh-ed25519', 'two')]
  const rsa = blob('ssh-rsa', 'rsa')
  const hashed = (name: string) => {
    const salt = Buffer.from('01234567890123456789')
    return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
  }
  const file = [
    `plain,10.0.0.1 ${text(one)} a comment`,
    `[ported]:2222 ${text(one)}`,
    `${hashed('hidden')} ${text(one)}`,
    `*.wild,!not.wild ${text(one)}`,
    `@revoked * ${text(two)}`,
    `@cert-authority *.signed ${text(rsa)}`,
    `broken ssh-rsa ${one.toString('base64')}`,
    `@unknown x ${text(one)}`,
  ].join('\n')
  const { entries, warnings } = parseKnownHosts(file, 'known')
  const judge = (name: string, key: Buffer) => judgeHostKey(entries, name, key).kind

  test('plain, with a port, hashed and by pattern', () => {
    for (const name of ['plain', '10.0.0.1', knownHostName('ported', 2222), 'hidden', 'a.wild']) {
      expect(judge(name, one)).toBe('known')
      expect(judge(name, rsa)).toBe('changed') // known by another type
      expect(judge(name, blob('ssh-ed25519', 'three'))).toBe('changed')
    }
    for (const name of ['other', knownHostName('plain', 2222), 'ported', 'not.wild'])
      expect(judge(name, one)).toBe('unknown')
  })

  test('a revoked key is refused wherever it is shown; an authority alone is no key', () => {
    expect(judge('plain', two)).toBe('revoked')
    expect(judge('anything', two)).toBe('revoked')
    expect(judge('a.signed', one)).toBe('authority')
  })

  test('lines that cannot be read are warnings that say where', () => {
    expect(warnings).toEqual([expect.stringContaining('known:7'), expect.stringContaining('known:8')])
  })

  test('the types that are known are asked for', () => expect(knownTypes(entries, 'plain')).toEqual(['ssh-ed25519']))

  test('what is written is what is read, and the fingerprint is ssh-keygen’s', () => {
    const line = knownHostLine(knownHostName('h', 2200), one)
    expect(judgeHostKey(parseKnownHosts(line, 'f').entries, '[h]:2200', one).kind).toBe('known')
    const real = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl', 'base64')
    expect(fingerprint(real)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU')
    expect(fc.sample(fc.uint8Array(), 50).every(bytes => typeof keyTypeOf(bytes) === 'string')).toBe(true)
  })
})
