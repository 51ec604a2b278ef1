import { lifeCases } from './lives/cases.ts'
import { describeLives } from './lives/describe-lives.ts'
import { openDigitalOceanLife, openEc2Life } from './lives/openers.ts'

describeLives('F', 'lives', lifeCases, openEc2Life)
describeLives('D', 'lives', lifeCases, openDigitalOceanLife)
