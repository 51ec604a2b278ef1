import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Resolves when the file is written next. Editors replace files, so its folder is watched. */
export const whenSaved = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const watcher = watch(dirname(path), (_, name) => {
      if (name !== basename(path)) return
      watcher.close()
      resolve()
    })
    watcher.on('error', reject)
  })
