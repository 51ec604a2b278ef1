import { catalogue } from '@re-ops/operations'
import { volatility, type AnyOperation } from '@re-ops/pipelines'
import type { Volatility } from '@re-ops/protocols'
import { fieldTable } from './markdown.ts'

const inWords = (how: Volatility): string => {
  if (how === 'any') return 'any'
  if (how === 'host') return 'from host to host'
  return `within ${how.tolerance * 100} %${how.absolute === undefined ? '' : ` or ${how.absolute}`}`
}

const traits = (of: AnyOperation): string => {
  const repeat = of.reads ? 'reads only' : of.idempotent ? 'idempotent' : 'changes the host, never repeated by itself'
  const forms = [...(of.native ? ['native on the agent'] : []), ...(of.shell ? ['shell'] : [])].join(', ')
  const fields = Object.entries(volatility(of.varies)).map(
    ([path, how]) => `\`${path || 'all of it'}\` (${inWords(how)})`,
  )
  const varies = fields.length > 0 ? `; volatile: ${fields.join(', ')}` : ''
  return `${repeat}; forms: ${forms}${of.dry ? '; can say what it would do (`dry`)' : ''}${varies}${of.fold ? '; close values fold together' : ''}`
}

const section = (of: AnyOperation): string =>
  [
    `## ${of.name}`,
    of.doc,
    `*${traits(of)}*`,
    '**Input**',
    fieldTable(of.input),
    '**Output**',
    fieldTable(of.output),
  ].join('\n\n')

/** docs/operations.md: the catalogue with its schemas. */
export const operationsPage = (): string =>
  [
    '# Operations',
    'Generated from the schemas in libs/operations by `npm run docs`. A `?` after a field means that it may be left out.',
    ...catalogue.map(section),
    '',
  ].join('\n\n')
