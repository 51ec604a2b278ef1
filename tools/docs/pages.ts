import { conformancePage } from './conformance.ts'
import { operationsPage } from './operations.ts'
import { providerConformancePage } from './provider-conformance.ts'
import { wirePage } from './wire.ts'

/** A generated document: its path from the root, and its whole text. New generators are added to this list. */
export type Page = { readonly path: string; make(): string | Promise<string> }

export const pages: readonly Page[] = [
  { path: 'docs/conformance.md', make: conformancePage },
  { path: 'docs/operations.md', make: operationsPage },
  { path: 'docs/provider-conformance.md', make: providerConformancePage },
  { path: 'docs/wire.md', make: wirePage },
]
