import { fromAgent, fromBroker, wireLimits } from '@re-ops/protocols'
import type { TSchema } from '@re-ops/pipelines'
import { fieldTable } from './markdown.ts'

type Message = { readonly kind: string; readonly version: number; readonly doc: string; readonly body: TSchema }

const section = (message: Message): string =>
  [`### ${message.kind} (version ${message.version})`, message.doc, fieldTable(message.body)].join('\n\n')

const limits = () =>
  [
    '| limit | value |',
    '|---|---|',
    ...Object.entries(wireLimits).map(([name, value]) => `| ${name} | ${value} |`),
  ].join('\n')

/** docs/wire.md: every message between agents and brokers. */
export const wirePage = (): string =>
  [
    '# The wire between agents and brokers',
    'Generated from the schemas in libs/protocols by `npm run docs`. A `?` after a field means that it may be left out.',
    'ZeroMQ, DEALER (agent) to ROUTER (broker), CURVE. A frame is UTF-8 JSON `{k: kind, v: version, t?: session token, b: body}`.',
    '## Limits',
    limits(),
    '## From agents',
    ...fromAgent.messages.map(section),
    '## From brokers',
    ...fromBroker.messages.map(section),
    '',
  ].join('\n\n')
