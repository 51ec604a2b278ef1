import { operationNamed } from '@re-ops/operations'
import { natives } from '@re-ops/operations/native'
import type { Catalogue } from './execute/found.ts'

/** What this agent can do. */
export const catalogue: Catalogue = { operationNamed, natives }
