import { afterAll, test } from '@jest/globals'
import { ec2Caps } from '@re-ops/re-core/testing'
import { describeProvider } from './testing/describe-provider.ts'
import { openOtherEc2 } from './testing/holding/other-ec2.ts'
import { describeHolding } from './testing/holding/suite.ts'
import { otherEc2, targetOfOther } from './testing/other-ec2.ts'
import { startOwnEc2, type OwnEc2 } from './testing/own-ec2.ts'

/**
 * Another server that speaks EC2: the one that is given by its address; for the matrix of providers, when none is, our
 * stand-in as a process of its own.
 */
const given = otherEc2(process.env)
const isForMatrix = process.env['REOPS_MATRIX'] !== undefined
let own: Promise<OwnEc2> | null = null
const other = async () => given ?? (await (own ??= startOwnEc2())).other

if (given === null && !isForMatrix)
  test.skip('RECORE_TEST_EC2_ENDPOINT names no other server that speaks EC2', () => {})
else {
  describeProvider({
    letter: 'M',
    caps: ec2Caps,
    mishaps: [],
    many: 50,
    extras: ['volumes', 'keys', 'firewalls', 'images'],
    skips: given?.skips ?? {},
    start: async () => targetOfOther(await other()),
  })
  // Its provider is asked case 21 above.
  const lives = [9, 22].filter(n => given?.skips[n] === undefined)
  describeHolding('other-ec2', async () => openOtherEc2(await other()), lives)
  afterAll(async () => (await own)?.stop())
}
