import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Type } from 'typebox'
import { ConfigError } from './config.ts'
import { ensureFolder, replaceFile } from './ensure-file.ts'

/** The moments between two steps of which the second must follow the first, where a service can be held. */
export const windowPoints = ['commit', 'create.sent', 'create.answered', 'destroy.after'] as const
export type WindowPoint = (typeof windowPoints)[number]

/** `REOPS_WINDOWS`: `point:ms` each, the time a window is held open. For the proof kit alone. */
export const Windows = Type.Array(
  Type.String({ pattern: `^(${windowPoints.join('|').replaceAll('.', '\\.')}):\\d{1,5}$` }),
  {
    env: 'REOPS_WINDOWS',
    default: [],
  },
)

/** `<state>/windows/<point>.<pid>.json` while the window is open; a killed process leaves it behind. */
export type OpenWindow = {
  readonly point: WindowPoint
  readonly pid: number
  /** What is held: a call, a system. */
  readonly subject: string
  /** ms since 1970 */
  readonly openedAt: number
  readonly ms: number
}
/** Waits while the window of that point is held open, which it is at times; at other points, at once. */
export type Hold = (point: string, subject: string) => Promise<void>

/**
 * Holds windows open that are milliseconds wide in life, so that a kill can be aimed at one: with a seeded bug it does
 * harm for certain, without it none. One window of a point at a time, then as long a rest, so that work goes on.
 * `null` outside the proof kit. Throws ConfigError when windows are asked for there.
 */
export const makeHold = (options: {
  readonly windows: readonly string[]
  readonly proofKit: string | undefined
  readonly state: string
}): Hold | null => {
  const { windows, proofKit, state } = options
  if (windows.length === 0) return null
  if (proofKit !== '1') throw new ConfigError(['REOPS_WINDOWS is set: allowed only together with REOPS_PROOF_KIT=1'])
  const heldMs = new Map(windows.map(one => [one.split(':')[0] as string, Number(one.split(':')[1])]))
  const restUntil = new Map<string, number>()
  return async (point, subject) => {
    const ms = heldMs.get(point)
    if (ms === undefined || performance.now() < (restUntil.get(point) ?? 0)) return
    restUntil.set(point, performance.now() + 2 * ms)
    const folder = await ensureFolder(join(state, 'windows'), 'REOPS_STATE')
    const path = join(folder, `${point}.${process.pid}.json`)
    await replaceFile(path, JSON.stringify({ point, pid: process.pid, subject, openedAt: Date.now(), ms }))
    await pause(ms)
    await rm(path, { force: true })
  }
}
