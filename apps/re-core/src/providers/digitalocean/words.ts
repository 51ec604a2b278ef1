import { ProviderError } from '@re-ops/protocols'

/** Sizes by our own names; any slug of DigitalOcean is allowed as well. */
export const sizeNames: Readonly<Record<string, string>> = {
  small: 's-1vcpu-1gb',
  medium: 's-2vcpu-4gb',
  large: 's-4vcpu-8gb',
  xlarge: 's-8vcpu-16gb',
}
export const imageNames: Readonly<Record<string, string>> = {
  'debian-12': 'debian-12-x64',
  'debian-13': 'debian-13-x64',
  'ubuntu-24.04': 'ubuntu-24-04-x64',
}

const refuse = (field: string, value: string, allowed: string): never => {
  throw new ProviderError(
    'invalid',
    'not-applied',
    `${field} is ${value}; allowed of provider digitalocean: ${allowed}`,
  )
}

/** The slug of a size. Throws `invalid`. */
export const sizeSlug = (size: string): string => {
  const slug = sizeNames[size] ?? size
  return /^[a-z]+[a-z0-9]*-[a-z0-9-]+$/.test(slug)
    ? slug
    : refuse('size', size, `${Object.keys(sizeNames).join(', ')} or a slug as s-1vcpu-1gb`)
}

/** The slug of an image, or the number of one's own. Throws `invalid`. */
export const imageOf = (image: string): string | number => {
  const slug = imageNames[image] ?? image
  if (/^\d{1,15}$/.test(slug)) return Number(slug)
  return /^[a-z0-9]+(-[a-z0-9]+)+$/.test(slug)
    ? slug
    : refuse('image', image, `${Object.keys(imageNames).join(', ')}, a slug as debian-12-x64 or an image's number`)
}
