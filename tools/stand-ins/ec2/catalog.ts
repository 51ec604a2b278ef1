import type { DescribeInstanceTypesRequest } from '@aws-sdk/client-ec2'
import { page } from './filters.ts'
import type { Ec2State } from './state.ts'

/** What can be had. */
export const catalogActions = {
  DescribeInstanceTypes: ({ setup }: Ec2State, input: DescribeInstanceTypesRequest) => {
    const { items, ...next } = page(setup.sizes, one => one.name, input)
    return {
      ...next,
      InstanceTypes: items.map(one => ({
        InstanceType: one.name,
        VCpuInfo: { DefaultVCpus: one.vcpus },
        MemoryInfo: { SizeInMiB: one.memoryMb },
        ProcessorInfo: { SupportedArchitectures: [one.arm ? 'arm64' : 'x86_64'] },
      })),
    }
  },
  DescribeRegions: ({ setup }: Ec2State) => ({
    Regions: [
      { RegionName: setup.region, Endpoint: `ec2.${setup.region}.amazonaws.com`, OptInStatus: 'opt-in-not-required' },
    ],
  }),
  DescribeAvailabilityZones: ({ setup }: Ec2State) => ({
    AvailabilityZones: setup.zones.map(ZoneName => ({ ZoneName, RegionName: setup.region, State: 'available' })),
  }),
}
