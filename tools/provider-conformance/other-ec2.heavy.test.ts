import { afterAll } from '@jest/globals'
import { ec2Caps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { openOtherEc2 } from './testing/holding/other-ec2.ts'
import { describeHolding } from './testing/holding/suite.ts'
import { otherEc2, targetOfOther } from './testing/other-ec2.ts'
import { startOwnEc2, type OwnEc2 } from './testing/own-ec2.ts'

/** Another server that speaks EC2: the one that is given by its address, else our stand-in as a process of its own. */
const given = otherEc2(process.env)
let own: Promise<OwnEc2> | null = null
const other = async () => given ?? (await (own ??= startOwnEc2())).other

describeProvider({
  letter: 'M',
  caps: ec2Caps,
  mishaps: [],
  many: 50,
  extras: ['volumes', 'keys', 'firewalls', 'images'],
  skips: given?.skips ?? {},
  start: async () => targetOfOther(await other()),
})
const lives = [9, 21, 22].filter(n => given?.skips[n] === undefined)
describeHolding('other-ec2', async () => openOtherEc2(await other()), lives)
afterAll(async () => (await own)?.stop())
