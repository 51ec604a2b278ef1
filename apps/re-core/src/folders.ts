import { join, resolve } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Where state is kept: `.reops` in the working directory unless told otherwise. */
export const stateFolderOf = (environment: Environment): string => resolve(environment['REOPS_STATE'] || '.reops')

/** Where machines of the local provider live. */
export const localFolderOf = (environment: Environment): string =>
  resolve(environment['RECORE_LOCAL_FOLDER'] || join(stateFolderOf(environment), 'local'))
