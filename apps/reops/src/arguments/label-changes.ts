import { usage } from '../fault.ts'

/** `role=web` sets a label, `role-` takes it away; a value may hold anything. */
export const labelChangesOf = (words: readonly string[]): Record<string, string | null> => {
  const changes: Record<string, string | null> = {}
  for (const word of words) {
    const match = /^([A-Za-z][A-Za-z0-9_./-]{0,62}?)(?:=(.{0,256})|-)$/s.exec(word)
    if (!match) throw usage(`\`${word}\` is neither key=value, which sets a label, nor key-, which takes it away`)
    const key = match[1] as string
    if (Object.hasOwn(changes, key)) throw usage(`label \`${key}\` is given twice`)
    changes[key] = match[2] ?? null
  }
  if (words.length === 0) throw usage('which labels? key=value sets one, key- takes one away')
  return changes
}
