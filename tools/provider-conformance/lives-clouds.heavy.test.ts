import { lifeCases } from './testing/lives/cases.ts'
import { describeLives } from './testing/lives/describe-lives.ts'
import { openDigitalOceanLife, openEc2Life } from './testing/lives/openers.ts'

describeLives('F', 'lives', lifeCases, openEc2Life)
describeLives('D', 'lives', lifeCases, openDigitalOceanLife)
