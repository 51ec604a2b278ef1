import { resolve } from 'node:path'
import { ImageError } from './guest/fault.ts'
import { makeImage, type ImageWish } from './guest/make.ts'

const usage = `npm run -s images -- fast|debian|PATH|URL [--out FILE] [--name NAME] [--cache FOLDER] [--sha256 HEX] [--json]

Makes an image for machines of provider kvm, and says how an account is told of it.

  fast     Debian 12 with a small init and re-gent inside: calls home seconds after it starts; root logs in by key
  debian   Debian 12 with systemd, cloud-init, sshd and re-gent as a unit; takes minutes to make and a while to boot
  PATH     any qcow2 or raw cloud image: its format is looked up, it stays where it is
  URL      the same, fetched by http(s) and held against --sha256, which is required

  --out FILE       the qcow2 (kernel and initrd get its name and .vmlinuz, .initrd); default .reops/images/NAME-CONTENTS.qcow2
  --name NAME      the image's name in the account; default fast, debian, or the file's name
  --cache FOLDER   where Debian packages are kept between builds; default .reops/images/cache
  --json           print nothing but the entry of the account's setting

Packages come from where this machine's apt has them. Needs root and: apt, dpkg, e2fsprogs, qemu-utils; debian also mmdebstrap.
What is made already, from the same packages and the same agent, is not made again.
`

/** Options by their names; throws ImageError for what is not known. */
const readWish = (args: readonly string[]): ImageWish & { readonly json: boolean } => {
  const values: Record<string, string> = {}
  const rest: string[] = []
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? ''
    const [name = '', given] = arg.split(/=(.*)/s)
    if (!arg.startsWith('--')) rest.push(arg)
    else if (arg === '--json') values['json'] = 'yes'
    else if (['--out', '--name', '--cache', '--sha256'].includes(name)) {
      const value = given ?? args[(at += 1)]
      if (value === undefined || value === '') throw new ImageError(`${name} has no value`)
      values[name.slice(2)] = value
    } else throw new ImageError(`${arg} is not known; allowed: --out, --name, --cache, --sha256, --json`)
  }
  const [what, ...more] = rest
  if (what === undefined || more.length > 0) throw new ImageError('name one of: fast, debian, a path, an http(s) URL')
  const { out, name, cache, sha256, json } = values
  return {
    what,
    folder: resolve('.reops/images'),
    cache: resolve(cache ?? '.reops/images/cache'),
    ...(out === undefined ? {} : { out: resolve(out) }),
    ...(name === undefined ? {} : { name }),
    ...(sha256 === undefined ? {} : { sha256 }),
    json: json !== undefined,
  }
}

const main = async (args: readonly string[]): Promise<number> => {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage)
    return args.length === 0 ? 2 : 0
  }
  try {
    const wish = readWish(args)
    const started = performance.now()
    const tell = (line: string): void =>
      void process.stderr.write(`${((performance.now() - started) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`)
    const images = JSON.stringify(await makeImage({ ...wish, onLine: wish.json ? () => undefined : tell }))
    process.stdout.write(
      wish.json
        ? `${images}\n`
        : `\nTell an account of it:\n\n  reops accounts set lab --provider kvm --region here 'images:=${images}'\n`,
    )
    return 0
  } catch (error) {
    if (!(error instanceof ImageError)) throw error
    process.stderr.write(`images: ${error.message}\n`)
    return error.message.includes('not known') || error.message.startsWith('name one of') ? 2 : 1
  }
}

process.exitCode = await main(process.argv.slice(2))
