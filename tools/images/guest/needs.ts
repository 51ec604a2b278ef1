import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs that make images, and the Debian package that has each. */
const programs = [
  ['apt-get', 'apt'],
  ['dpkg-deb', 'dpkg'],
  ['tar', 'tar'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['qemu-img', 'qemu-utils'],
] as const

/** And those of an image whose packages are set up. */
const settingUp = [
  ['mmdebstrap', 'mmdebstrap'],
  ['chroot', 'coreutils'],
] as const

/** Programs of the system that a plain user's PATH may not name. */
export const systemPath = (): string => `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`

const isThere = (program: string): boolean =>
  systemPath()
    .split(delimiter)
    .some(folder => folder !== '' && existsSync(join(folder, program)))

/** What this machine lacks to make images (`isSetUp`: the debian one), in one line that says what to install; null: nothing. */
export const whyNoImages = (isSetUp = false): string | null => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `images are made on Linux on x86-64; this is ${process.platform} on ${process.arch}`
  const wanted = isSetUp ? [...programs, ...settingUp] : programs
  const missing = wanted.filter(([program]) => !isThere(program))
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
    return `there is no ${missing.map(([program]) => program).join(', ')}; on Debian: apt-get install ${packages}`
  }
  return process.getuid?.() === 0
    ? null
    : "not root: the files of a guest are root's; run it as root, or under fakeroot"
}
