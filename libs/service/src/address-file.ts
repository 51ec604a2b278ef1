import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from './ensure-file.ts'

export type AddressFile = { readonly path: string; remove(): Promise<void> }

/** `<state>/<service>.json`: where a running service listens. Written at once or not at all; removed on a clean stop. */
export const writeAddressFile = async (
  stateFolder: string,
  service: string,
  address: Readonly<Record<string, unknown>>,
): Promise<AddressFile> => {
  const path = join(stateFolder, `${service}.json`)
  await replaceFile(path, `${JSON.stringify({ pid: process.pid, ...address }, null, 2)}\n`)
  return { path, remove: () => rm(path, { force: true }) }
}

/** What a service last wrote, or null when it is not there (stopped) or half readable (never, since it is replaced whole). */
export const readAddressFile = async (
  stateFolder: string,
  service: string,
): Promise<Record<string, unknown> | null> => {
  const text = await readFile(join(stateFolder, `${service}.json`), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return text === null ? null : (JSON.parse(text) as Record<string, unknown>)
}
