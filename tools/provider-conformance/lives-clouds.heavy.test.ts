import { crowdCases, lifeCases } from './testing/lives/cases.ts'
import { describeLives } from './testing/lives/describe-lives.ts'
import { openLocal } from './testing/lives/open-local.ts'
import { openDigitalOceanLife, openEc2Life } from './testing/lives/openers.ts'

describeLives('L', 'crowds', crowdCases, openLocal)
describeLives('F', 'lives', [...lifeCases, ...crowdCases], openEc2Life)
describeLives('D', 'lives', [...lifeCases, ...crowdCases], openDigitalOceanLife)
