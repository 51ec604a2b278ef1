import { ProviderError } from '@re-ops/protocols'

/** Sizes by our own names; any instance type of EC2 is allowed as well. */
export const sizeNames: Readonly<Record<string, string>> = {
  small: 't3.small',
  medium: 't3.medium',
  large: 't3.large',
  xlarge: 'm6i.xlarge',
}
const typePattern = /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/

/** Images that their makers publish under a name that RunInstances resolves itself: the newest, in any region. */
type ImageName = {
  readonly title: string
  readonly path: (architecture: 'x86_64' | 'arm64') => string
  readonly rootDevice: string
  /** Who logs in over SSH; `cloudUser`: where it is its maker's generic image. */
  readonly user: string
  readonly cloudUser?: string
}
const debian = (release: string, title: string): ImageName => ({
  title,
  path: architecture => `/aws/service/debian/release/${release}/latest/${architecture === 'arm64' ? 'arm64' : 'amd64'}`,
  rootDevice: '/dev/xvda',
  user: 'admin',
  cloudUser: 'debian',
})
const ubuntu = (release: string): ImageName => ({
  title: `Ubuntu ${release} LTS`,
  path: architecture =>
    `/aws/service/canonical/ubuntu/server/${release}/stable/current/${architecture === 'arm64' ? 'arm64' : 'amd64'}/hvm/ebs-gp3/ami-id`,
  rootDevice: '/dev/sda1',
  user: 'ubuntu',
})
export const imageNames: Readonly<Record<string, ImageName>> = {
  'debian-12': debian('12', 'Debian 12'),
  'debian-13': debian('13', 'Debian 13'),
  'ubuntu-24.04': ubuntu('24.04'),
  'amazon-linux-2023': {
    title: 'Amazon Linux 2023',
    path: architecture => `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`,
    rootDevice: '/dev/xvda',
    user: 'ec2-user',
  },
}

const invalid = (field: string, value: string, allowed: string) =>
  new ProviderError('invalid', 'not-applied', `${field} is ${value}; allowed of provider ec2: ${allowed}`)

/** The instance type of a size. Throws `invalid`. */
export const instanceType = (size: string): string => {
  const type = sizeNames[size] ?? size
  if (typePattern.test(type)) return type
  throw invalid('size', size, `${Object.keys(sizeNames).join(', ')} or an instance type as t3.small`)
}

/** Of Graviton's families: t4g, m7g, c6gn, x2gd, ... */
const isArm = (type: string): boolean => /^(a1|[a-z]+\d+g[a-z]*)\./.test(type)

/** What RunInstances takes as the image, and its root device where we know it. Throws `invalid`. */
export const imageOf = (image: string, type: string): { id: string; rootDevice: string | null } => {
  const named = imageNames[image]
  if (named !== undefined)
    return { id: `resolve:ssm:${named.path(isArm(type) ? 'arm64' : 'x86_64')}`, rootDevice: named.rootDevice }
  if (/^ami-[0-9a-z]+$/.test(image)) return { id: image, rootDevice: null }
  throw invalid('image', image, `${Object.keys(imageNames).join(', ')} or an id as ami-0123456789abcdef0`)
}
