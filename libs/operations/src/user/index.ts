import type { AnyOperation } from '@re-ops/pipelines'
import { userKey } from './key.ts'
import { groupList, userList } from './list.ts'
import { groupEnsure, groupRemove, userEnsure, userRemove } from './user.ts'

export * from './key.ts'
export * from './list.ts'
export { groupEnsure, groupRemove, userEnsure, userRemove } from './user.ts'

export const userOperations: readonly AnyOperation[] = [
  groupEnsure,
  groupList,
  groupRemove,
  userEnsure,
  userKey,
  userList,
  userRemove,
]
