import { usage } from '../fault.ts'

export type Where = { readonly on: string; readonly path: string }

/** `SELECTOR:/path`. No name or value holds `:/` unless quoted, so the first one is where the path begins. */
export const whereOf = (text: string | undefined, what: string): Where => {
  const at = text?.indexOf(':/') ?? -1
  if (text === undefined || at < 1)
    throw usage(
      `${what}: ${text === undefined ? 'where? give' : `\`${text}\` is not`} SELECTOR:/path, for example 'role=web:/etc/motd'`,
    )
  return { on: text.slice(0, at), path: text.slice(at + 1) }
}

/** A path that ends with a slash is a folder: the file keeps its name in it. */
export const pathIn = (path: string, name: string): string => (path.endsWith('/') ? `${path}${name}` : path)
