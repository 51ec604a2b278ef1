const nestingMax = 64

/** The live modules a pipeline (data, perhaps not yet checked) names, each once. */
export const modulesIn = (pipeline: unknown): string[] => {
  const found = new Set<string>()
  const look = (part: unknown, depth: number): void => {
    if (typeof part !== 'object' || part === null || depth > nestingMax) return
    const { module, steps, step, fallback, with: code } = part as Readonly<Record<string, unknown>>
    if (typeof module === 'string') found.add(module)
    look(code, depth + 1)
    for (const one of Array.isArray(steps) ? (steps as unknown[]) : []) look(one, depth + 1)
    look(step, depth + 1)
    look(fallback, depth + 1)
  }
  look(pipeline, 0)
  return [...found]
}
