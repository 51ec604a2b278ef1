/** Text that must not stand in the project, and why. */
const forbidden: readonly { readonly pattern: RegExp; readonly why: string; readonly in?: RegExp }[] = [
  { pattern: /registry\.(npmjs|yarnpkg)\.\w+|npm\.pkg\.github|\bnpmmirror\b/, why: 'names a package registry' },
  { pattern: /"resolved": "https?:/, why: 'pins a package registry', in: /package-lock\.json$/ },
  {
    pattern: /(?<![\w.~$}-])\/(work|root|home\/[a-z]\w*|Users\/[A-Za-z]\w*)\/[\w.-]/,
    why: 'names a path of one machine',
  },
  { pattern: /\b(oxlint|eslint)-disable|@ts-(ignore|nocheck)/, why: 'switches a rule off inline', in: /\.[cm]?[jt]s$/ },
  { pattern: /\b(TODO|FIXME|XXX)\b/, why: 'leaves work behind' },
  { pattern: /^(<{7}|>{7}) /m, why: 'holds a conflict marker' },
]

/** Findings in one file, one per rule, with the line. */
export const textFindings = (path: string, text: string): string[] =>
  forbidden.flatMap(({ pattern, why, in: where }) => {
    if (where && !where.test(path)) return []
    const found = pattern.exec(text)
    if (!found) return []
    const line = text.slice(0, found.index).split('\n').length
    return [`${path}:${line}: ${why}: ${found[0].slice(0, 60)}`]
  })
