/** What a snapshot is at libvirt: its file, what the machine it was made of was made of, and how large its disk is. */
export type SnapshotRef = { readonly path: string; readonly base: string; readonly diskGb: number }

/** Only files that re-ops itself names so: no other file of the host can be asked for as an image. */
const form = /^((?:\/[^/#]+)+\/re-ops-image-[^/#]+\.qcow2)#([^/#]+)#(\d{1,5})$/

export const snapshotRef = ({ path, base, diskGb }: SnapshotRef): string => `${path}#${base}#${diskGb}`
/** Null: it is the name of an image. */
export const parseSnapshotRef = (image: string): SnapshotRef | null => {
  const [, path, base, diskGb] = form.exec(image) ?? []
  if (path === undefined || base === undefined || path.split('/').includes('..')) return null
  return { path, base, diskGb: Number(diskGb) }
}
