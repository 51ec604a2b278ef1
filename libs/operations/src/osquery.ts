import { operation, Type, type AnyOperation } from '@re-ops/pipelines'
import { becomeInput, becomes } from './become.ts'

const Row = Type.Record(Type.String(), Type.String())

export const osqueryQuery = operation({
  name: 'osquery.query',
  doc: 'Asks osquery a question in SQL; every value of the answer is a text, as osquery gives it.',
  input: Type.Object(
    {
      sql: Type.String({
        pattern: '^\\s*([Ss][Ee][Ll][Ee][Cc][Tt]|[Ww][Ii][Tt][Hh])\\s',
        maxLength: 32_768,
        description: 'one that reads (osquery has others, that reach the network)',
        examples: ['SELECT name, version FROM os_version'],
      }),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Array(Row),
  reads: true,
  shell: {
    command: ({ sql }) => ['osqueryi', '--json', sql],
    ...becomes,
    parse: ({ stdout, stderr }) => {
      // Older osqueryi (3.3.2: osquery issue 5853) ends with 0 after a query that it did not understand, with no list or an empty one.
      const begin = stdout.indexOf('[')
      const wrong = /^Error: .*$/m.exec(stderr)?.[0]
      if (wrong !== undefined) throw new Error(wrong)
      if (begin < 0) throw new Error(stderr.trim().split('\n').at(-1) || 'osquery answered nothing')
      return JSON.parse(stdout.slice(begin)) as Record<string, string>[]
    },
  },
  varies: { '': 'any' },
  display: {
    rows: found => found,
    columns: [
      {
        title: 'ROW',
        get: (row: Record<string, string>) =>
          Object.entries(row)
            .map(([name, value]) => `${name}=${value}`)
            .join(' '),
      },
    ],
  },
})

export const osqueryOperations: readonly AnyOperation[] = [osqueryQuery]
