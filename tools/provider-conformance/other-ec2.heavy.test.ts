import { test } from '@jest/globals'
import { ec2Caps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { otherEc2, targetOfOther } from './testing/other-ec2.ts'

/** Another server that speaks EC2, where one is given by its address. */
const other = otherEc2(process.env)

if (other === null) test.skip('RECORE_TEST_EC2_ENDPOINT names no other server that speaks EC2', () => {})
else
  describeProvider({
    letter: 'M',
    caps: ec2Caps,
    mishaps: [],
    many: 50,
    extras: ['volumes', 'keys', 'firewalls', 'images'],
    skips: other.skips,
    start: async () => targetOfOther(other),
  })
