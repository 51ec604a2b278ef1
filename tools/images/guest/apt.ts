import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must, run } from '../command.ts'
import { ImageError } from './fault.ts'

/** A package as apt would fetch it: the file's name holds its version. */
export type Package = { readonly file: string; readonly name: string }

/** Told of Debian packages by the machine's own apt: its sources, keys and proxies, and nothing that is named here. */
export type Apt = {
  /** All that these packages need on an empty system. */
  closure(names: readonly string[]): Promise<readonly Package[]>
  /** The package that this one depends on, by its name's beginning: `linux-image-cloud-amd64` names no files itself. */
  dependency(name: string, beginning: string): Promise<string>
  /** Fetches what is not in the cache yet, checked by apt; answers where the files are. */
  fetch(names: readonly string[], options?: { readonly alone?: boolean }): Promise<string>
}

const downloadMs = 900_000
const lineForm = /^'[^']+' (\S+\.deb) \d+/

/** Words of apt as one line that says what to do. */
const explained = (stderr: string): ImageError => {
  const missing = [
    ...stderr.matchAll(/(?:Unable to locate package|no installation candidate|for package) '?([\w.+-]+)/g),
  ]
  const names = [...new Set(missing.map(([, name]) => name))].join(', ')
  const said = stderr
    .trim()
    .split('\n')
    .filter(line => /^[EW]:/.test(line))
    .slice(0, 3)
    .join(' ')
  return new ImageError(
    names === ''
      ? `apt cannot say or fetch what is needed: ${said || stderr.trim().slice(-300)}`
      : `apt has no Debian package ${names}; run apt-get update, and see that its sources have Debian 12 (main)`,
  )
}

/** `cache` keeps what was fetched. Throws ImageError that names the package that is missing. */
export const openApt = async (cache: string): Promise<Apt> => {
  const [status, debs, none] = [join(cache, 'status'), join(cache, 'debs'), join(cache, 'none')]
  for (const folder of [debs, none]) await mkdir(join(folder, 'partial'), { recursive: true })
  await writeFile(status, '')
  const options = (archives: string): string[] =>
    [
      `Dir::State::status=${status}`,
      `Dir::Cache::archives=${archives}`,
      `Dir::Cache::pkgcache=${join(cache, 'pkgcache.bin')}`,
      `Dir::Cache::srcpkgcache=${join(cache, 'srcpkgcache.bin')}`,
      'APT::Install-Recommends=false',
      'Debug::NoLocking=true',
      'APT::Sandbox::User=root',
    ].flatMap(one => ['-o', one])
  const ask = async (argv: readonly string[], cwd = cache): Promise<string> => {
    const { code, stdout, stderr } = await run(argv, { cwd, timeoutMs: downloadMs, environment: { LC_ALL: 'C' } })
    if (code !== 0) throw explained(stderr)
    return stdout
  }
  return {
    closure: async names => {
      const text = await ask(['apt-get', ...options(none), '--print-uris', '-qq', 'install', ...names])
      return text.split('\n').flatMap(line => {
        const [, file] = lineForm.exec(line) ?? []
        return file === undefined ? [] : [{ file, name: file.split('_')[0] ?? file }]
      })
    },
    dependency: async (name, beginning) => {
      const text = await ask(['apt-cache', ...options(none), 'depends', '--important', name])
      const found = [...text.matchAll(/Depends: (\S+)/g)]
        .map(([, one]) => one ?? '')
        .find(one => one.startsWith(beginning))
      if (found === undefined) throw new ImageError(`Debian package ${name} depends on no ${beginning}...`)
      return found
    },
    fetch: async (names, { alone = false } = {}) => {
      if (alone) await ask(['apt-get', ...options(debs), '-qq', 'download', ...names], debs)
      else await ask(['apt-get', ...options(debs), '-qq', '-y', '--download-only', 'install', ...names])
      return debs
    },
  }
}

/** What a .deb holds, laid over a folder; links that stand for folders there stay (`/bin` is `/usr/bin`). */
export const unpack = async (deb: string, into: string): Promise<void> => {
  const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -p -C "$2" -f -'
  await must(['bash', '-o', 'pipefail', '-c', script, 'unpack', deb, into])
}
