import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { must } from '../command.ts'
import { openApt, unpack, type Package } from './apt.ts'
import { cpio, fileMode, folderMode, linkMode, programMode, type Entry } from './cpio.ts'
import { modulesFor } from './modules.ts'
import { kernelPackage, type Recipe } from './recipe.ts'
import { emptyRootfs, put, trim } from './rootfs.ts'
import { setUp } from './set-up.ts'

/** An image as an account's settings name it: `images:={"NAME": entry}`. Absolute paths. */
export type Image = {
  readonly path: string
  readonly format: 'qcow2'
  readonly title: string
  readonly kernel: string
  readonly initrd: string
  readonly cmdline: string
}
export type BuildOptions = {
  /** Where packages are kept between builds. */
  readonly cache: string
  /** The qcow2; kernel and initrd are put beside it. Absent: a name by its contents, in `folder`. */
  readonly out?: string
  readonly folder: string
  readonly onLine: (line: string) => void
}

/** Names contents: the same packages, files and agent give the same name, so what is there need not be made again. */
const digestOf = (recipe: Recipe, packages: readonly Package[]): string => {
  const hash = createHash('sha256').update(JSON.stringify([recipe, packages]))
  for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).toSorted())
    if (/\.ts$|files\//.test(name) && !name.endsWith('.test.ts'))
      hash.update(readFileSync(join(import.meta.dirname, name)))
  return hash.digest('hex').slice(0, 12)
}

const pathsOf = (out: string) => ({ path: out, kernel: `${out}.vmlinuz`, initrd: `${out}.initrd` })

/** Builds an image, or finds it made. Throws ImageError with what is missing. */
export const build = async (recipe: Recipe, options: BuildOptions): Promise<Image> => {
  const { onLine } = options
  const apt = await openApt(options.cache)
  const kernel = await apt.dependency(kernelPackage, 'linux-image-')
  const packages = await apt.closure(recipe.packages)
  const out =
    options.out ??
    join(options.folder, `${recipe.name}-${digestOf(recipe, [...packages, { file: kernel, name: kernel }])}.qcow2`)
  const paths = pathsOf(out)
  const { title, cmdline } = recipe
  const image: Image = { ...paths, format: 'qcow2', title, cmdline }
  if (options.out === undefined && Object.values(paths).every(path => existsSync(path))) {
    onLine(`${out} is there already`)
    return image
  }
  onLine(`fetching ${packages.length + 1} Debian packages`)
  await apt.fetch(recipe.packages)
  const debs = await apt.fetch([kernel], { alone: true })
  const work = await mkdtemp(join(tmpdir(), 'image-'))
  try {
    await assemble({ recipe, packages, kernel, debs, work, onLine })
    await mkdir(dirname(out), { recursive: true })
    await finish(recipe, work, paths, onLine)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return image
}

type Work = {
  readonly recipe: Recipe
  readonly packages: readonly Package[]
  readonly kernel: string
  readonly debs: string
  readonly work: string
  readonly onLine: (line: string) => void
}

const debOf = (debs: string, name: string): string =>
  join(debs, readdirSync(debs).findLast(file => file.startsWith(`${name}_`) && file.endsWith('.deb')) ?? `${name}_.deb`)

const assemble = async ({ recipe, packages, kernel, debs, work, onLine }: Work): Promise<void> => {
  const [root, boot] = [join(work, 'root'), join(work, 'kernel')]
  await mkdir(boot)
  await unpack(debOf(debs, kernel), boot)
  if (recipe.setUp === undefined) {
    onLine('unpacking')
    await emptyRootfs(root)
    for (const { file } of packages) await unpack(join(debs, file), root)
    for (const piece of recipe.pieces) await put(root, piece)
  } else {
    onLine(`setting up ${recipe.packages.length} packages and what they need; takes minutes`)
    await setUp(root, recipe.packages, dirname(debs))
    await finishSetUp(root, boot, recipe, recipe.setUp)
  }
  await trim(root, recipe.trims)
  await writeFile(join(work, 'initrd'), await initrd(recipe, root, boot))
  const vmlinuz = readdirSync(join(boot, 'boot')).find(name => name.startsWith('vmlinuz-')) ?? 'vmlinuz'
  await copyFile(join(boot, 'boot', vmlinuz), join(work, 'vmlinuz'))
}

/** With all drivers of the kernel, which is no package inside: it is started from outside. */
const finishSetUp = async (
  root: string,
  boot: string,
  { pieces }: Recipe,
  { inside, after }: NonNullable<Recipe['setUp']>,
): Promise<void> => {
  await cp(join(boot, 'lib/modules'), join(root, 'usr/lib/modules'), { recursive: true })
  const [version = ''] = readdirSync(join(boot, 'lib/modules'))
  for (const piece of pieces) await put(root, piece)
  for (const argv of [['depmod', version], ...inside]) await must(['chroot', root, ...argv])
  for (const piece of after) await put(root, piece)
}

const initrd = async ({ modules }: Recipe, root: string, boot: string): Promise<Buffer> => {
  const [version = ''] = readdirSync(join(boot, 'lib/modules'))
  const all = modulesFor(join(boot, 'lib/modules', version), modules)
  const folders = ['bin', 'modules', 'proc', 'sys', 'dev', 'root'].map(path => ({ path, mode: folderMode }))
  const entries: Entry[] = [
    ...folders,
    { path: 'init', mode: programMode, bytes: await readFile(join(import.meta.dirname, 'files/initrd-init')) },
    { path: 'bin/busybox', mode: programMode, bytes: await readFile(join(root, 'usr/bin/busybox')) },
    { path: 'bin/sh', mode: linkMode, bytes: Buffer.from('busybox') },
    ...all.map(({ name, bytes }) => ({ path: `modules/${name}.ko`, mode: fileMode, bytes })),
    { path: 'modules/order', mode: fileMode, bytes: Buffer.from(`${all.map(one => one.name).join('\n')}\n`) },
  ]
  return cpio(entries)
}

/** Each file appears whole or not at all, the disk last: when it is there, all is. */
const finish = async (recipe: Recipe, work: string, to: ReturnType<typeof pathsOf>, onLine: (line: string) => void) => {
  const [raw, disk] = [join(work, 'disk.raw'), `${to.path}.new`]
  onLine(`making ${basename(to.path)}`)
  const seconds = ['-E', 'lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0']
  await must(['mkfs.ext4', '-q', '-F', '-L', 'root', ...seconds, '-d', join(work, 'root'), raw, `${recipe.diskMb}M`])
  for (const [name, path] of [
    ['vmlinuz', to.kernel],
    ['initrd', to.initrd],
  ] as const) {
    await copyFile(join(work, name), `${path}.new`)
    await rename(`${path}.new`, path)
  }
  await must(['qemu-img', 'convert', '-O', 'qcow2', raw, disk])
  await rename(disk, to.path)
}
