import { operation, Type } from '@re-ops/pipelines'
import { becomes } from '../become.ts'
import { changeInput, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'
import { Path } from '../text.ts'
import { Content } from './content.ts'
import { placing } from './placing.ts'
import { Pushed } from './push.ts'

/**
 * Hosts never see it: the service renders the template for each of them and sends `file.push` of what came out. So its shell form only says
 * that; whoever plans it without the service hears why not.
 */
export const fileTemplate = operation({
  name: 'file.template',
  doc: 'Makes a file hold what a stored Liquid template gives for this host: its name, labels, facts and the given values.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/motd'] }),
      template: Content({ description: 'of the template, stored as a content' }),
      values: Type.Optional(
        Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.Unknown(), {
          additionalProperties: false,
          maxProperties: 256,
          description: 'variables of the template, beside host, labels and facts',
          examples: [{ port: 8080 }],
        }),
      ),
      ...placing,
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Pushed,
  idempotent: true,
  ...changeTraits,
  summary: { changed: ['histogram'], hash: ['histogram'] },
  varies: { transferred: 'any', hash: 'host', bytes: 'host' },
  shell: {
    script: () => scriptWith({}, "fail 'templates are rendered by the service'"),
    contents: ({ template }) => ({ takes: [template] }),
    ...becomes,
    parse: () => {
      throw new Error('templates are rendered by the service')
    },
  },
})
