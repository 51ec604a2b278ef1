export const referencePattern =
  '^(secret:[A-Za-z0-9][A-Za-z0-9._/-]{0,127}|file:.{1,4096}|env:[A-Za-z_][A-Za-z0-9_]{0,127})$'
const matcher = new RegExp(referencePattern)
export const isReference = (text: unknown): text is string => typeof text === 'string' && matcher.test(text)
