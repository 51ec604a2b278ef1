import * as fs from 'node:fs'
import { promisify } from 'node:util'

/**
 * The few asynchronous file functions of the agent. `node:fs/promises` has them too, and brings watchers and line editing
 * along: 1 MB of every host.
 */
export const close = promisify(fs.close)
export const fdatasync = promisify(fs.fdatasync)
export const fsync = promisify(fs.fsync)
export const link = promisify(fs.link)
export const open = promisify(fs.open)
export const readdir = promisify(fs.readdir)
export const readFile = promisify(fs.readFile)
export const rename = promisify(fs.rename)
export const rm = promisify(fs.rm)
export const writeFile = promisify(fs.writeFile)
