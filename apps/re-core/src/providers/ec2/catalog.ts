import type { AccountInfo, Catalog, Image, Size } from '@re-ops/protocols'
import { listing, reading, type Ec2Call } from './client.ts'
import { imageNames } from './words.ts'

const sizes = async (call: Ec2Call, signal: AbortSignal): Promise<Size[]> => {
  const found: Size[] = []
  let NextToken: string | undefined
  do {
    const asked = { MaxResults: 100, ...(NextToken === undefined ? {} : { NextToken }) }
    const answer = await call(listing, signal, (client, options) => client.describeInstanceTypes(asked, options))
    for (const one of answer.InstanceTypes ?? [])
      found.push({
        name: one.InstanceType ?? '',
        cores: one.VCpuInfo?.DefaultVCpus ?? 0,
        memoryMb: one.MemoryInfo?.SizeInMiB ?? 0,
        diskGb: one.InstanceStorageInfo?.TotalSizeInGB ?? null,
        architecture: one.ProcessorInfo?.SupportedArchitectures?.join(' ') ?? '',
      })
    NextToken = answer.NextToken
  } while (NextToken !== undefined && NextToken !== '')
  return found.toSorted((a, b) => a.cores - b.cores || a.memoryMb - b.memoryMb || (a.name < b.name ? -1 : 1))
}

/** Names that work in every region, then the account's own. */
const images = async (call: Ec2Call, signal: AbortSignal): Promise<Image[]> => {
  const answer = await call(listing, signal, (client, options) => client.describeImages({ Owners: ['self'] }, options))
  const named = Object.entries(imageNames).map(([name, { title }]): Image => ({
    name,
    title,
    architecture: 'x86_64 arm64',
    origin: 'provider',
  }))
  const own = (answer.Images ?? []).map((one): Image => ({
    name: one.ImageId ?? '',
    title: one.Name ?? '',
    architecture: one.Architecture ?? '',
    origin: 'own',
  }))
  return [...named, ...own]
}

export const catalog = async (call: Ec2Call, region: string, signal: AbortSignal): Promise<Catalog> => {
  const zones = await call(listing, signal, (client, options) => client.describeAvailabilityZones({}, options))
  const regions = await call(listing, signal, (client, options) => client.describeRegions({}, options))
  const zonesHere = (zones.AvailabilityZones ?? []).flatMap(one => one.ZoneName ?? [])
  return {
    sizes: await sizes(call, signal),
    images: await images(call, signal),
    regions: (regions.Regions ?? []).map(({ RegionName = '' }) => ({
      name: RegionName,
      title: RegionName,
      zones: RegionName === region ? zonesHere : [],
    })),
    prices: [],
  }
}

/** A call that any of our permissions covers and that names the account. */
export const verify = async (call: Ec2Call, signal: AbortSignal): Promise<AccountInfo> => {
  const Filters = [{ Name: 'group-name', Values: ['default'] }]
  const answer = await call(reading, signal, (client, options) => client.describeSecurityGroups({ Filters }, options))
  return { id: answer.SecurityGroups?.[0]?.OwnerId ?? 'unknown', name: null }
}
