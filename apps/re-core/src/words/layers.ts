import type { CreateSystems, Template } from '@re-ops/protocols'
import type { AllWords } from './all.ts'

/** Words that a machine is described with, and whose they are. */
export type Layer = { readonly from: string; readonly says: Template }

/** What is wrong with a field, as a person wrote it. */
export class WordError extends Error {
  override readonly name = 'WordError'
  /** JSON pointer of the field. */
  readonly path: string
  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

const namesIn = (all: object): string => Object.keys(all).toSorted().join(', ') || 'none yet'

/** A preset with those it stands on, the lowest first. Throws WordError where there is none, or where they go in a circle. */
export const expand = (
  words: Pick<AllWords, 'presets'>,
  names: readonly string[],
  path: string,
  above: readonly string[] = [],
): Layer[] =>
  names.flatMap((name, n) => {
    const preset = Object.hasOwn(words.presets, name) ? words.presets[name] : undefined
    const at = `${path}/${n}`
    if (preset === undefined) throw new WordError(at, `preset is ${name}; allowed: ${namesIn(words.presets)}`)
    if (above.includes(name))
      throw new WordError(at, `preset ${name} stands on itself (${[...above, name].join(' on ')})`)
    const below = expand(words, preset.presets ?? [], at, [...above, name])
    return [...below, { from: `preset ${name}`, says: preset }]
  })

/** Below everything, when there is one. */
export const defaultPreset = 'default'

/** All that is said of the machines a body asks for, the lowest first: default < type < presets asked for < given. */
export const layersOf = (words: AllWords, body: CreateSystems): Layer[] => {
  const type = body.type !== undefined && Object.hasOwn(words.types, body.type) ? words.types[body.type] : undefined
  const standard = Object.hasOwn(words.presets, defaultPreset) ? [defaultPreset] : []
  return [
    ...expand(words, standard, '/presets'),
    ...(type === undefined ? [] : expand(words, type.presets ?? [], '/type')),
    ...(type === undefined ? [] : [{ from: `type ${body.type}`, says: type }]),
    ...expand(words, body.presets ?? [], '/presets'),
    { from: 'given', says: body },
  ]
}
