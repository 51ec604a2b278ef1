import { openDigitalOcean } from './testing/holding/digitalocean.ts'
import { openEc2 } from './testing/holding/ec2.ts'
import { describeHolding } from './testing/holding/suite.ts'

describeHolding('fake-ec2', openEc2)
describeHolding('fake-do', openDigitalOcean)
