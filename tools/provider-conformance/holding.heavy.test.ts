import { openDigitalOcean } from '../stand-ins/holding/digitalocean.ts'
import { openEc2 } from '../stand-ins/holding/ec2.ts'
import { describeHolding } from '../stand-ins/holding/suite.ts'

describeHolding('fake-ec2', openEc2)
describeHolding('fake-do', openDigitalOcean)
