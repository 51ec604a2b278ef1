import { runProof } from '../proof/command.ts'

const chaos = {
  delivery: async () => (await import('./delivery/delivery.ts')).delivery,
  fuzz: async () => (await import('./fuzz/fuzz.ts')).fuzz,
  lifecycle: async () => (await import('./lifecycle/lifecycle.ts')).lifecycle,
  foundation: async () => (await import('./foundation/foundation.ts')).foundation,
}

process.exitCode = await runProof(chaos, process.argv.slice(2), new URL('./results/', import.meta.url))
