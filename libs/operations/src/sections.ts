/**
 * One script, one round trip: a script prints `== name` before each part, and this splits what came back.
 * A line of a part that itself began with `== ` would begin a part; the files read here have none.
 */
export const sections = (stdout: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  let name = ''
  for (const line of stdout.split('\n')) {
    const header = /^== ([a-z]+)$/.exec(line)
    if (header) name = header[1] ?? ''
    else found.set(name, found.has(name) ? `${found.get(name)}\n${line}` : line)
  }
  return new Map([...found].map(([key, text]) => [key, text.trim()]))
}

/** A whole number in a text, or an error that names what was looked for; parse functions may throw. */
export const wholeNumber = (text: string | undefined, what: string): number => {
  if (text === undefined || !/^\d+$/.test(text.trim())) throw new Error(`no ${what} in the output`)
  return Number(text)
}
