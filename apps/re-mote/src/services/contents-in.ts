import { operationNamed } from '@re-ops/operations'

const nestingMax = 64

/** The stored contents that a pipeline (data that was checked) names, each once. Most name none, which costs a look at each step. */
export const contentsIn = (pipeline: unknown): string[] => {
  const found = new Set<string>()
  const look = (part: unknown, depth: number): void => {
    if (typeof part !== 'object' || part === null || depth > nestingMax) return
    const { operation, module, input, steps, step, fallback } = part as Readonly<Record<string, unknown>>
    if (typeof operation === 'string' && module === undefined)
      for (const hash of operationNamed(operation)?.shell?.contents?.(input ?? {}).takes ?? []) found.add(hash)
    for (const one of Array.isArray(steps) ? (steps as unknown[]) : []) look(one, depth + 1)
    look(step, depth + 1)
    look(fallback, depth + 1)
  }
  look(pipeline, 0)
  return [...found]
}
