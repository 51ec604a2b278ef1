import { makeIso } from './iso.ts'

/** Of user-data; it is read once, at the first boot. */
export const seedBytesMax = 1_048_576

/** What cloud-init (NoCloud) reads at the first boot: who the machine is, and the user-data. */
export type Seed = { readonly uuid: string; readonly hostname: string; readonly userData: string | null }

/** The disk that carries it. A virtio disk and no CD-ROM, which can be enumerated too late. */
export const seedImage = ({ uuid, hostname, userData }: Seed): Buffer =>
  makeIso('cidata', [
    { name: 'meta-data', bytes: Buffer.from(JSON.stringify({ 'instance-id': uuid, 'local-hostname': hostname })) },
    { name: 'user-data', bytes: Buffer.from(userData ?? '#cloud-config\n{}\n') },
  ])
