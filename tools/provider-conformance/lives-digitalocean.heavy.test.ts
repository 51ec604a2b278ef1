import { crowdCases, lifeCases } from './testing/lives/cases.ts'
import { describeLives } from './testing/lives/describe-lives.ts'
import { openDigitalOceanLife } from './testing/lives/openers.ts'

describeLives('D', 'lives', [...lifeCases, ...crowdCases], openDigitalOceanLife)
