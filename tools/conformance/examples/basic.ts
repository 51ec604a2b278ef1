import type { Family } from '../example.ts'

export const basic: Family = {
  name: 'basic',
  examples: [
    { operation: 'ping', gives: { pong: true } },
    { operation: 'facts', gives: { hostname: 'conformance', os: { id: 'debian' } } },
    { operation: 'load' },
    { operation: 'memory' },
    { operation: 'uptime' },
    {
      operation: 'shell',
      input: { argv: ['printf', '%s|', 'a b', "it's", '$HOME', ''] },
      gives: { stdout: "a b|it's|$HOME||", code: 0 },
    },
  ],
}
