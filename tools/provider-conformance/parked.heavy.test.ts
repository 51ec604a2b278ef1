import { openDigitalOcean } from './testing/holding/digitalocean.ts'
import { openEc2 } from './testing/holding/ec2.ts'
import { describeParked } from './testing/holding/parked.ts'

describeParked('fake-ec2', openEc2)
describeParked('fake-do', openDigitalOcean)
