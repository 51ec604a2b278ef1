import { setTimeout as pause } from 'node:timers/promises'
import { isClientError, type Core } from '@re-ops/client'
import type { Job, VolumeInfo } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { wholeNumber } from '../arguments/labels.ts'
import { placeOf, type PlaceOptions } from '../arguments/place.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { table } from '../render/table.ts'
import { showDeleted } from './deleted.ts'
import { waitForJobs } from './wait.ts'

const show = ({ terminal }: Context, volumes: readonly VolumeInfo[], { json }: PlaceOptions): number => {
  if (json === true) printJson(terminal, volumes)
  else if (volumes.length === 0) terminal.error('no volumes there; reops volumes create --help')
  else
    terminal.out(
      table(
        ['VOLUME', 'SIZE', 'ACCOUNT', 'REGION', 'ZONE', 'ATTACHED TO', 'ID', 'STATE'],
        volumes.map(one => [
          one.name,
          `${one.sizeGb} GB`,
          one.account,
          one.region,
          one.zone ?? '',
          one.system ?? one.attachedTo ?? '-',
          one.ref ?? '-',
          one.state === 'ready' ? '' : `${one.state}${one.error === null ? '' : `: ${one.error}`}`,
        ]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

export const listVolumes = async (context: Context, options: PlaceOptions): Promise<number> =>
  show(context, await (await context.client()).core.volumes(placeOf(options)), options)

export type Waiting = PlaceOptions & { readonly wait?: boolean; readonly timeout?: string }
const waitDefault = '10m'

/** Asks again until the provider has done it; exit code 1 when it refuses, or the time is over. */
const settled = async (context: Context, first: VolumeInfo, options: Waiting): Promise<number> => {
  const { terminal } = context
  const { core } = await context.client()
  const until = context.now() + durationMs(options.timeout ?? waitDefault, '--timeout')
  let volume = first
  while (isUnderWay(volume) && options.wait !== false) {
    if (context.now() > until) throw new Fault(1, `volume ${volume.name} is still ${volume.state}; it goes on`)
    terminal.progress(`  volume ${volume.name}: ${volume.state}${volume.error === null ? '' : `, ${volume.error}`}`)
    await pause(pollMs)
    volume = await latest(core, volume, options)
  }
  terminal.progress('')
  if (volume.state === 'gone') return showDeleted(context, volume, options)
  if (volume.state !== 'failed') return show(context, [volume], options)
  terminal.error(`reops: volume ${volume.name}: ${volume.error}`)
  return 1
}
const isUnderWay = ({ state }: VolumeInfo) => state === 'pending' || state === 'leaving'
const pollMs = 1_000

const latest = async (core: Core, volume: VolumeInfo, options: Waiting): Promise<VolumeInfo> => {
  try {
    return await core.volume(volume.name, placeOf(options))
  } catch (error) {
    if (volume.state === 'leaving' && isClientError(error, 'problem') && error.status === 404)
      return { ...volume, state: 'gone', error: null }
    throw error
  }
}

export const putVolume = async (
  context: Context,
  name: string,
  options: Waiting & { readonly size: string; readonly zone?: string },
): Promise<number> => {
  const { zone } = options
  const body = { sizeGb: wholeNumber(options.size, '--size', 1, 16_384), ...(zone === undefined ? {} : { zone }) }
  return settled(context, await (await context.client()).core.putVolume(name, body, placeOf(options)), options)
}

/** Until the system has done it, then the volume as it is; exit code 1 when it has not. */
const follow = async (context: Context, name: string, job: Job, options: Waiting): Promise<number> => {
  const { terminal } = context
  const { core } = await context.client()
  if (options.wait === false) {
    if (options.json === true) printJson(terminal, job)
    else terminal.out(`${job.name}  ${job.verb} ${job.state}  ${job.id}\n`)
    return 0
  }
  const timeoutMs = durationMs(options.timeout ?? waitDefault, '--timeout')
  const what = { systems: [await core.system(job.system)], jobs: [job], timeoutMs, json: false, silent: true } as const
  const code = await waitForJobs(context, core, what)
  if (code !== 0) {
    const { verb, state, error } = await core.job(job.id)
    terminal.error(`reops: ${verb} of volume ${name} is ${state}${error === null ? '' : `: ${error}`}`)
    return code
  }
  const volumes = await core.volumes(placeOf(options))
  return show(
    context,
    volumes.filter(one => one.name === name),
    options,
  )
}

export const attachVolume = async (
  context: Context,
  [name = '', system = '']: readonly string[],
  options: Waiting,
): Promise<number> =>
  follow(context, name, await (await context.client()).core.attachVolume(name, system, placeOf(options)), options)

export const detachVolume = async (context: Context, name: string, options: Waiting): Promise<number> =>
  follow(context, name, await (await context.client()).core.detachVolume(name, placeOf(options)), options)

export const removeVolume = async (
  context: Context,
  name: string,
  options: Waiting & { readonly yes?: boolean },
): Promise<number> => {
  await confirm(context, { verb: 'delete', noun: 'volume', names: [name], yes: options.yes === true })
  return settled(context, await (await context.client()).core.removeVolume(name, placeOf(options)), options)
}
