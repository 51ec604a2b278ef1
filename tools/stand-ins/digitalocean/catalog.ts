/** What the stand-in has to offer: a part of what DigitalOcean sells, with its prices of November 2026. */
export type Size = {
  readonly slug: string
  /** MiB */
  readonly memory: number
  readonly vcpus: number
  /** GiB */
  readonly disk: number
  readonly transfer: number
  /** US dollars */
  readonly price_monthly: number
  readonly price_hourly: number
}
export type BaseImage = {
  readonly id: number
  readonly name: string
  readonly distribution: string
  readonly slug: string
}

const size = (slug: string, memory: number, vcpus: number, disk: number, transfer: number, monthly: number): Size => ({
  slug,
  memory,
  vcpus,
  disk,
  transfer,
  price_monthly: monthly,
  price_hourly: Math.round((monthly / 672) * 100_000) / 100_000,
})

export const sizes: readonly Size[] = [
  size('s-1vcpu-512mb-10gb', 512, 1, 10, 0.5, 4),
  size('s-1vcpu-1gb', 1_024, 1, 25, 1, 6),
  size('s-1vcpu-2gb', 2_048, 1, 50, 2, 12),
  size('s-2vcpu-2gb', 2_048, 2, 60, 3, 18),
  size('s-2vcpu-4gb', 4_096, 2, 80, 4, 24),
  size('s-4vcpu-8gb', 8_192, 4, 160, 5, 48),
  size('s-8vcpu-16gb', 16_384, 8, 320, 6, 96),
]

export const regions = [
  { slug: 'nyc3', name: 'New York 3' },
  { slug: 'fra1', name: 'Frankfurt 1' },
  { slug: 'ams3', name: 'Amsterdam 3' },
  { slug: 'sfo3', name: 'San Francisco 3' },
] as const

export const baseImages: readonly BaseImage[] = [
  { id: 900_001, name: '12 x64', distribution: 'Debian', slug: 'debian-12-x64' },
  { id: 900_002, name: '13 x64', distribution: 'Debian', slug: 'debian-13-x64' },
  { id: 900_003, name: '24.04 (LTS) x64', distribution: 'Ubuntu', slug: 'ubuntu-24-04-x64' },
]
