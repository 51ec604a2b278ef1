import type { AnyOperation } from '@re-ops/pipelines'
import { archiveCreate, archiveExtract } from './archive.ts'
import { fileChecksum } from './checksum.ts'
import { download } from './download.ts'
import { directoryEnsure, filePermissions, linkEnsure } from './ensure.ts'
import { folderPull } from './folder-pull.ts'
import { folderSync } from './folder-sync.ts'
import { fileLine } from './line.ts'
import { fileFind, fileList } from './list.ts'
import { filePull } from './pull.ts'
import { filePush } from './push.ts'
import { fileRead } from './read.ts'
import { fileRemove } from './remove.ts'
import { fileStat } from './stat.ts'
import { fileTemplate } from './template.ts'
import { fileWrite } from './write.ts'

export * from './archive.ts'
export * from './checksum.ts'
export * from './download.ts'
export * from './ensure.ts'
export * from './folder-pull.ts'
export * from './folder-sync.ts'
export * from './line.ts'
export * from './list.ts'
export * from './pull.ts'
export * from './push.ts'
export * from './read.ts'
export * from './remove.ts'
export * from './stat.ts'
export * from './template.ts'
export * from './write.ts'

export const fileOperations: readonly AnyOperation[] = [
  archiveCreate,
  archiveExtract,
  directoryEnsure,
  download,
  fileChecksum,
  fileFind,
  fileLine,
  fileList,
  filePermissions,
  filePull,
  filePush,
  fileRead,
  fileRemove,
  fileStat,
  fileTemplate,
  fileWrite,
  folderPull,
  folderSync,
  linkEnsure,
]
