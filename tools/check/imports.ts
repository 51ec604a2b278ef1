/** Comments are blanked, strings are kept: an import named in a comment is not one. */
const withoutComments = (source: string): string =>
  source.replace(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g,
    (all, text: string | undefined) => (text === undefined ? all.replace(/[^\n]/g, ' ') : all),
  )

const forms = [
  /(?:^|[\n;}])\s*(?:import|export)\s+(?:type\s+)?[\w*{}\s,$]*?\bfrom\s*(['"])([^'"\n]+)\1/g,
  /(?:^|[\n;}])\s*import\s*(['"])([^'"\n]+)\1/g,
  /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g,
  /\brequire\s*\(\s*(['"])([^'"\n]+)\1/g,
  /\bimport\.meta\.resolve\s*\(\s*(['"])([^'"\n]+)\1/g,
] as const

/** What a module imports (static, `export from`, dynamic, require), in the order of the text, each once. */
export const importsOf = (source: string): string[] => {
  const text = withoutComments(source)
  const found = forms.flatMap(form =>
    [...text.matchAll(form)].map(match => ({ at: match.index, name: match[2] ?? '' })),
  )
  // A text with a `${` in it is the text of a program that is being written.
  return [
    ...new Set(
      found
        .filter(one => !one.name.includes('${'))
        .toSorted((a, b) => a.at - b.at)
        .map(one => one.name),
    ),
  ]
}

/** `@scope/name/sub/path` -> `@scope/name`; a relative path or a `node:` builtin has no package. */
export const packageOf = (name: string): string | null => {
  if (name.startsWith('.') || name.startsWith('/') || name.startsWith('node:') || name.startsWith('#')) return null
  const parts = name.split('/')
  return name.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? null)
}
