export { makeLocal } from '../providers/local/local.ts'
export { identityOf } from '../providers/identity.ts'
export { destroyAll, newOp } from '../providers/op.ts'
