import type { Piece } from './rootfs.ts'

/** What an image is made of. Two recipes with the same data give the same image name. */
export type Recipe = {
  readonly name: string
  readonly title: string
  /** Debian packages; what they depend on comes with them. */
  readonly packages: readonly string[]
  /** Drivers for the first seconds, before there is a disk. */
  readonly modules: readonly string[]
  readonly pieces: readonly Piece[]
  /** Paths that are not needed, beside documentation. */
  readonly trims: readonly string[]
  /** Packages are set up as on any Debian, instead of laid over one another; then this is done. Takes minutes. */
  readonly setUp?: {
    /** Commands inside, when all pieces are there. */
    readonly inside: readonly (readonly string[])[]
    readonly after: readonly Piece[]
  }
  readonly cmdline: string
  readonly diskMb: number
}

/** Of every image: the kernel without a boot loader, told where its disk is. */
export const kernelPackage = 'linux-image-cloud-amd64'
export const firstModules = ['virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_rng', 'ext4', 'isofs', 'evdev', 'button']

/** Words of a text, however it is laid out. */
export const listed = (text: string): readonly string[] => text.trim().split(/\s+/)
