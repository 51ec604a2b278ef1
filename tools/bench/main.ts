import { runProof } from '../proof/command.ts'

const benches = {
  call: async () => (await import('./call.ts')).call,
  systems: async () => (await import('./systems.ts')).systems,
  provision: async () => (await import('./provision/provision.ts')).provision,
  'fan-out': async () => (await import('./fan-out/fan-out.ts')).fanOut,
  agent: async () => (await import('./agent.ts')).agent,
  ssh: async () => (await import('./ssh.ts')).ssh,
  live: async () => (await import('./live.ts')).live,
  files: async () => (await import('./files.ts')).files,
}

process.exitCode = await runProof(benches, process.argv.slice(2), new URL('./results/', import.meta.url))
