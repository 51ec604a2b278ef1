import { run } from './command.ts'

/** A container engine that answers, and the words that start compose. */
export type Engine = { readonly compose: readonly string[] }
export type EngineProbe = { readonly engine: Engine } | { readonly missing: string }

/** What this machine has; `missing` says in one line what it lacks. */
export const probeEngine = async (): Promise<EngineProbe> => {
  const version = await run(['docker', 'version', '--format', '{{.Server.Version}} {{.Server.Os}}'], {
    timeoutMs: 20_000,
  })
  if (version.code === 127) return { missing: 'no docker command on this machine' }
  if (version.code !== 0) return { missing: `no docker engine answers: ${version.stderr.trim().split('\n').at(-1)}` }
  if (!version.stdout.includes('linux'))
    return { missing: `the docker engine runs ${version.stdout.trim()}, not linux` }
  for (const compose of [['docker', 'compose'], ['docker-compose']])
    if ((await run([...compose, 'version'], { timeoutMs: 20_000 })).code === 0) return { engine: { compose } }
  return { missing: 'neither `docker compose` nor docker-compose is on this machine' }
}

export const hasImage = async (tag: string): Promise<boolean> =>
  (await run(['docker', 'image', 'inspect', '--format', '{{.Id}}', tag])).code === 0
