import type { NamedChoice, Words } from '@re-ops/protocols'
import { imageNames as doImages, sizeNames as doSizes } from '../providers/digitalocean/words.ts'
import { imageNames as ec2Images, sizeNames as ec2Sizes } from '../providers/ec2/words.ts'
import { defaultSizes as kvmSizes } from '../providers/kvm/settings.ts'
import { localImage, localSize } from '../providers/local/local.ts'

const sizeDocs: Readonly<Record<string, string>> = {
  small: 'to try things: 1 or 2 cores, 1 or 2 GB',
  medium: 'a small service: 2 cores, 2 to 4 GB',
  large: '2 or 4 cores, 8 GB',
  xlarge: '4 or 8 cores, 16 GB',
}

const named = (name: string, from: object): string | undefined => (Object.hasOwn(from, name) ? name : undefined)
const choice = (doc: string, on: { readonly [K in keyof NamedChoice['on']]?: string | undefined }): NamedChoice => ({
  doc,
  on: Object.fromEntries(Object.entries(on).filter(([, value]) => value !== undefined)),
})

const sizes = Object.entries(sizeDocs).map(([name, doc]) => [
  name,
  choice(doc, { local: localSize, kvm: named(name, kvmSizes), ec2: ec2Sizes[name], digitalocean: doSizes[name] }),
])
/** At EC2 the name stands for the newest of its maker's images; at kvm for what the account's settings call so. */
const images = Object.entries(ec2Images).map(([name, { title, user, cloudUser = user }]) => [
  name,
  {
    ...choice(title, { local: localImage, kvm: name, ec2: name, digitalocean: doImages[name] }),
    users: { kvm: cloudUser, ec2: user },
  },
])

/** Words that come with re-core; a stored one of the same name adds to them. */
export const shippedWords: Required<Words> = {
  sizes: Object.fromEntries(sizes),
  images: Object.fromEntries(images),
  regions: {},
  types: {},
  presets: {},
}
