import type { SshSettings } from '@re-ops/protocols'

/** A host as this transport knows it. */
export type SshHost = { readonly id: string; readonly name: string; readonly settings: SshSettings }
