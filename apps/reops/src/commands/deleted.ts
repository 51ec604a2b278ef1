import { printJson, type Context } from '../context.ts'

/** `data  deleted`; with --json what it was. */
export const showDeleted = (
  { terminal }: Context,
  was: { readonly name: string },
  { json }: { readonly json?: boolean },
): number => {
  if (json === true) printJson(terminal, [was])
  else terminal.out(`${was.name}  deleted\n`)
  return 0
}
