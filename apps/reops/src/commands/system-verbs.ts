import type { ChangeSystem } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { labelChangesOf } from '../arguments/label-changes.ts'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { askEach, type Asked } from './systems.ts'

type Forced = Asked & { readonly force?: boolean; readonly forceAfter?: string }

const forcing = ({ force, forceAfter }: Forced) => ({
  ...(force === true ? { force } : {}),
  ...(forceAfter === undefined
    ? {}
    : { forceAfterSeconds: Math.ceil(durationMs(forceAfter, '--force-after') / 1_000) }),
})

export const stopSystems = (context: Context, names: readonly string[], options: Forced): Promise<number> => {
  const body = forcing(options)
  return askEach(context, {
    verb: 'stop',
    isHarmless: false,
    names,
    options,
    act: (core, { id }) => core.stopSystem(id, body),
  })
}

export const rebootSystems = (
  context: Context,
  names: readonly string[],
  options: Asked & { readonly hard?: boolean },
): Promise<number> => {
  const body = options.hard === true ? { force: true } : {}
  return askEach(context, {
    verb: 'reboot',
    isHarmless: false,
    names,
    options,
    act: (core, { id }) => core.rebootSystem(id, body),
  })
}

export const resizeSystems = (
  context: Context,
  names: readonly string[],
  options: Forced & { readonly size?: string },
): Promise<number> => {
  const { size } = options
  if (size === undefined) throw usage('which size? give --size <size>; `reops sizes` or the provider lists them')
  const body = { size, ...forcing(options) }
  return askEach(context, {
    verb: 'resize',
    isHarmless: false,
    names,
    options,
    act: (core, { id }) => core.resizeSystem(id, body),
  })
}

const change = (context: Context, verb: string, names: readonly string[], body: ChangeSystem, options: Asked) =>
  askEach(context, { verb, isHarmless: true, names, options, act: (core, { id }) => core.changeSystem(id, body) })

export const renameSystem = (context: Context, system: string, name: string, options: Asked): Promise<number> =>
  change(context, 'rename', [system], { name }, options)

/** `words`: systems, then `key=value` and `key-`. */
export const labelSystems = (context: Context, words: readonly string[], options: Asked): Promise<number> => {
  const first = words.findIndex(word => /[=]|-$/.test(word))
  const names = first < 0 ? words : words.slice(0, first)
  const labels = labelChangesOf(first < 0 ? [] : words.slice(first))
  return change(context, 'label', names, { labels }, options)
}

export const snapshotSystem = (context: Context, system: string, name: string, options: Asked): Promise<number> =>
  askEach(context, {
    verb: 'snapshot',
    isHarmless: true,
    names: [system],
    options,
    act: (core, { id }) => core.snapshotSystem(id, name),
  })
