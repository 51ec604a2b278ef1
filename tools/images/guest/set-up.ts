import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../command.ts'
import { ImageError } from './fault.ts'

const setUpMs = 1_800_000

const folder = '/etc/apt/sources.list.d'
const hasText = (path: string): boolean => existsSync(path) && /^[^#\s]/m.test(readFileSync(path, 'utf8'))

/** Where this machine has its packages from; those of Debian alone, when they stand apart. */
const sources = (): readonly string[] => {
  const own = [join(folder, 'debian.sources'), '/etc/apt/sources.list'].filter(hasText)
  if (own.length > 0) return own
  const all = existsSync(folder) ? readdirSync(folder).filter(name => /\.(list|sources)$/.test(name)) : []
  return all.map(name => join(folder, name)).filter(hasText)
}

/** Proxies and the like: mmdebstrap reads none of this machine's configuration by itself. */
const reaching = async (): Promise<string[]> => {
  const { stdout } = await run(['apt-config', 'dump'])
  return stdout.split('\n').filter(line => /^Acquire::\S*(proxy|retries|timeout)\S* ".+";$/i.test(line))
}

/** Packages stay for the next build. */
const keeping = (debs: string): string[] => [
  '--skip=download/empty',
  '--skip=essential/unlink',
  '--setup-hook=mkdir -p "$1/var/cache/apt/archives"',
  `--setup-hook=sync-in '${debs}' /var/cache/apt/archives`,
  `--customize-hook=sync-out /var/cache/apt/archives '${debs}'`,
]

/**
 * A root file system of packages that are set up as on any Debian, in a folder that is not there yet. Takes minutes.
 * Throws ImageError with the last of what mmdebstrap said.
 */
export const setUp = async (root: string, packages: readonly string[], cache: string): Promise<void> => {
  const debs = join(cache, 'set-up')
  await mkdir(join(debs, 'partial'), { recursive: true })
  const from = sources()
  if (from.length === 0) throw new ImageError('apt of this machine has no sources; see /etc/apt/sources.list')
  const { code, stderr } = await run(
    [
      'mmdebstrap',
      '--mode=root',
      '--variant=apt',
      '--format=directory',
      `--include=${packages.join(',')}`,
      ...(await reaching()).map(line => `--aptopt=${line}`),
      ...keeping(debs),
      '',
      root,
      ...from,
    ],
    { timeoutMs: setUpMs, environment: { LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' } },
  )
  if (code === 0) return
  const said = stderr.trim().split('\n')
  const why = said.findLast(line => /^(E:|W: .*unmet|.*Unable to locate)/.test(line)) ?? said.at(-1) ?? ''
  throw new ImageError(`mmdebstrap ended with ${code}: ${why}; with sources ${from.join(', ')}`)
}
