import type { Become, Shell, ShellResult } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Check, Errors } from 'typebox/value'

const Text = Type.String({ maxLength: 262_144 })
/** What a shell form says about one input, as a module's process answers it. Checked: it comes from code of somebody else. */
export const ShellParts = Type.Object(
  {
    command: Type.Optional(Type.Array(Text, { minItems: 1, maxItems: 4096 })),
    script: Type.Optional(Text),
    env: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }), Text, { additionalProperties: false }),
    ),
    cwd: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
    stdin: Type.Optional(Text),
    become: Type.Optional(Type.Object({ user: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,31}$' }) })),
    okCodes: Type.Optional(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }), { maxItems: 256 })),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400_000 })),
    outputBytesMax: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { oneOf: [{ required: ['command'] }, { required: ['script'] }] },
)
export type ShellParts = Static<typeof ShellParts>

/** The parts, or why they are none. */
export const readShellParts = (value: unknown): ShellParts | string => {
  if (Check(ShellParts, value)) return value
  const [first] = Errors(ShellParts, value)
  return `the module gives no command: ${first?.instancePath ?? ''} ${first?.message ?? 'it does not fit'}`
}

/** A shell form that gives these parts, and whose parser is `parse`: what transports work with. */
export const shellOf = <O>(
  parts: ShellParts,
  parse: (result: ShellResult, input: unknown) => O,
): Omit<Shell<unknown, O>, 'command' | 'script' | 'parse'> & {
  parse(result: ShellResult, input: unknown): O
} & ({ command(): readonly string[] } | { script(): string }) => ({
  ...(parts.command ? { command: () => parts.command ?? [] } : { script: () => parts.script ?? '' }),
  env: () => parts.env ?? {},
  cwd: () => parts.cwd,
  stdin: () => parts.stdin,
  become: (): Become | undefined => parts.become,
  okCodes: () => parts.okCodes ?? [0],
  timeoutMs: () => parts.timeoutMs,
  outputBytesMax: () => parts.outputBytesMax,
  parse,
})
