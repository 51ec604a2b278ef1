import type { Family } from '../example.ts'
import { saying, without } from './scripts.ts'

const invalid = { kind: 'invalid' } as const

export const basic: Family = {
  name: 'basic',
  examples: [
    { operation: 'ping', gives: { pong: true } },
    { operation: 'facts', gives: { hostname: 'conformance', os: { id: 'debian' } } },
    { operation: 'facts', name: 'no memory', ...saying('/proc/meminfo'), fails: invalid },
    { operation: 'load' },
    { operation: 'load', name: 'no load', ...saying('/proc/loadavg'), fails: invalid },
    { operation: 'memory' },
    { operation: 'memory', name: 'no memory', ...saying('/proc/meminfo'), fails: invalid },
    { operation: 'uptime' },
    { operation: 'uptime', name: 'no uptime', ...saying('/proc/uptime'), fails: invalid },
    {
      operation: 'shell',
      name: 'arguments',
      input: { argv: ['printf', '%s|', 'a b', "it's", '$HOME', '', 'Ünïcode'] },
      gives: { stdout: "a b|it's|$HOME||Ünïcode|", code: 0 },
    },
    {
      operation: 'shell',
      name: 'environment, folder and input',
      input: {
        script: 'pwd; echo "$A"; cat; echo no >&2; exit 3',
        env: { A: "b 'c'" },
        cwd: '/usr',
        stdin: 'in\n',
        okCodes: [3],
      },
      gives: { stdout: "/usr\nb 'c'\nin\n", stderr: 'no\n', code: 3 },
    },
    {
      operation: 'shell',
      name: 'what a command finds',
      input: {
        script: 'umask; id -un; id -Gn; echo "$HOME"; tty || :',
        timeoutMs: 10_000,
      },
    },
    {
      operation: 'shell',
      name: 'another user',
      needs: ['sudo'],
      input: { argv: ['id', '-un'], become: { user: 'daemon' } },
      gives: { stdout: 'daemon\n' },
    },
    {
      operation: 'shell',
      name: 'output that is cut',
      input: { script: 'head -c 5000 /dev/zero | tr "\\0" x', outputBytesMax: 1000 },
      gives: { truncated: true },
    },
    {
      operation: 'shell',
      name: 'an exit code',
      input: { script: 'echo no >&2; exit 7' },
      fails: { kind: 'exit', code: 7 },
    },
    {
      operation: 'shell',
      name: 'no such program',
      input: { argv: ['reops-no-such'] },
      fails: { kind: 'exit', code: 127 },
    },
    {
      operation: 'shell',
      name: 'no such folder',
      input: { argv: ['true'], cwd: '/none' },
      fails: { kind: 'exit', code: 127 },
    },
    { operation: 'shell', name: 'not a program', input: { argv: ['/etc/passwd'] }, fails: { kind: 'exit', code: 126 } },
    {
      operation: 'shell',
      name: 'ended by a signal',
      input: { script: 'kill -9 $$' },
      fails: { kind: 'exit', code: 137 },
      ownWords: true,
    },
    {
      operation: 'shell',
      name: 'too slow',
      input: { argv: ['sleep', '60'], timeoutMs: 300 },
      fails: { kind: 'timeout' },
    },
    {
      operation: 'shell',
      name: 'no such user to become',
      needs: ['sudo'],
      input: { argv: ['id'], become: { user: 'reops-nobody' } },
      fails: { kind: 'exit' },
    },
    { operation: 'disk' },
    { operation: 'disk', name: 'no df', ...without('df'), fails: invalid },
  ],
}
