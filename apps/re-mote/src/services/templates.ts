import type { Host } from '@re-ops/protocols'
import { Liquid, type Template } from 'liquidjs'

/** Limits of a template, stated once. */
export const templateLimits = {
  templateBytesMax: 1_048_576,
  outputBytesMax: 4_194_304,
  /** Of one host, and what its values may take. */
  renderMs: 500,
  memoryUnitsMax: 20_000_000,
  keptMax: 32,
} as const

/**
 * Liquid: a language without access to anything but the values it is given. No files (there is no `include` of any), no functions of
 * objects, no evaluation; loops and memory are counted. What is not defined is an error, not an empty text in a configuration file.
 */
export const makeTemplates = () => {
  const engine = new Liquid({
    ownPropertyOnly: true,
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    templates: {},
    dynamicPartials: false,
    parseLimit: templateLimits.templateBytesMax,
    renderLimit: templateLimits.renderMs,
    memoryLimit: templateLimits.memoryUnitsMax,
  })
  const parsed = new Map<string, Template[]>()
  return {
    /** What it gives for this host. Throws with a line that says what is wrong, and where. */
    render: (hash: string, text: string, host: Host, values: Readonly<Record<string, unknown>>): string => {
      const template = parsed.get(hash) ?? engine.parse(text)
      parsed.set(hash, template)
      for (const oldest of parsed.keys()) {
        if (parsed.size <= templateLimits.keptMax) break
        parsed.delete(oldest)
      }
      const { id, name, labels, facts, transport, system } = host
      const scope = { ...values, host: { id, name, transport, system }, labels, facts }
      const out = engine.renderSync(template, scope) as string
      if (Buffer.byteLength(out) > templateLimits.outputBytesMax)
        throw new Error(`it gives more than ${templateLimits.outputBytesMax} bytes`)
      return out
    },
  }
}
export type Templates = ReturnType<typeof makeTemplates>
