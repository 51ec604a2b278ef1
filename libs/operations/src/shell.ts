import { operation, Type, type Static } from '@re-ops/pipelines'
import { Become } from './become.ts'
import { scriptCommand, wrapScript } from './script.ts'

const Fields = Type.Object(
  {
    argv: Type.Optional(
      Type.Array(Type.String({ maxLength: 131_072 }), {
        minItems: 1,
        maxItems: 4096,
        description: 'a program and its arguments, started without a shell in between',
        examples: [['uname', '-r']],
      }),
    ),
    script: Type.Optional(
      Type.String({ minLength: 1, maxLength: 131_072, description: 'text for `sh`, instead of argv' }),
    ),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Type.String({ maxLength: 32_768 }), {
        additionalProperties: false,
        maxProperties: 256,
        description: 'added to the environment of the agent',
      }),
    ),
    cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'where to start it' })),
    stdin: Type.Optional(Type.String({ maxLength: 131_072, description: 'what it reads; nothing by default' })),
    become: Type.Optional(Become),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000, description: 'killed after this' })),
    outputBytesMax: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 524_288, description: 'each stream is cut there, and says so' }),
    ),
    okCodes: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), {
        minItems: 1,
        maxItems: 256,
        description: 'exit codes that are not a failure; default 0 alone',
      }),
    ),
  },
  { additionalProperties: false, oneOf: [{ required: ['argv'] }, { required: ['script'] }] },
)
type Common = Omit<Static<typeof Fields>, 'argv' | 'script'>
/** Exactly one of argv and script: by type for callers, by `oneOf` in the schema for everybody else. */
export type ShellInput = Common & ({ argv: string[]; script?: never } | { script: string; argv?: never })

export const shell = operation({
  name: 'shell',
  doc: 'Runs a program, or a script for sh, and gives what it wrote and its exit code.',
  input: Type.Unsafe<ShellInput>(Fields),
  output: Type.Object({
    stdout: Type.String(),
    stderr: Type.String(),
    code: Type.Integer(),
    truncated: Type.Boolean({ description: 'a stream was longer than the limit and is cut' }),
    outputRef: Type.Optional(
      Type.String({ description: 'the call under which all of it is kept for a while; `reops output` reads it' }),
    ),
  }),
  shell: {
    command: input => input.argv ?? scriptCommand(input.script, input.stdin !== undefined),
    env: input => input.env ?? {},
    cwd: input => input.cwd,
    stdin: input => input.stdin ?? (input.script === undefined ? undefined : wrapScript(input.script)),
    become: input => input.become,
    okCodes: input => input.okCodes ?? [0],
    timeoutMs: input => input.timeoutMs,
    outputBytesMax: input => input.outputBytesMax,
    parse: ({ stdout, stderr, code, truncated, outputRef }) => ({
      stdout,
      stderr,
      code,
      truncated,
      ...(outputRef === undefined ? {} : { outputRef }),
    }),
  },
  varies: ['outputRef'],
  display: {
    columns: [
      { title: 'OUTPUT', get: r => `${r.stdout.trimEnd()}${r.truncated ? '\n(cut)' : ''}` || r.stderr.trimEnd() },
    ],
  },
})
