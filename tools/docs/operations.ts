import { catalogue } from '@re-ops/operations'
import type { AnyOperation } from '@re-ops/pipelines'
import { fieldTable } from './markdown.ts'

const traits = (of: AnyOperation): string => {
  const repeat = of.reads ? 'reads only' : of.idempotent ? 'idempotent' : 'changes the host, never repeated by itself'
  const forms = [...(of.native ? ['native on the agent'] : []), ...(of.shell ? ['shell'] : [])].join(', ')
  const varies = of.varies ? `; left out when results are folded: ${of.varies.map(one => `\`${one}\``).join(', ')}` : ''
  return `${repeat}; forms: ${forms}${varies}`
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
