import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OpenWindow, WindowPoint } from '@re-ops/service'
import { isAlive } from './parts.ts'

const read = (file: string): OpenWindow[] => {
  try {
    return [JSON.parse(readFileSync(file, 'utf8')) as OpenWindow]
  } catch {
    return [] // it was closed while we looked
  }
}

/** The window of that point that a living process holds open now. */
export const openWindow = (state: string, point: WindowPoint): OpenWindow | null => {
  const folder = join(state, 'windows')
  if (!existsSync(folder)) return null
  const files = readdirSync(folder).filter(name => name.startsWith(`${point}.`) && name.endsWith('.json'))
  const open = files.flatMap(name => read(join(folder, name))).filter(({ pid }) => isAlive(pid))
  return open.find(({ openedAt, ms }) => Date.now() < openedAt + ms) ?? null
}

/** As the services are told (`REOPS_WINDOWS`). */
export const windowsText = (windows: Readonly<Partial<Record<WindowPoint, number>>>): string =>
  Object.entries(windows)
    .map(([point, ms]) => `${point}:${ms}`)
    .join(',')
