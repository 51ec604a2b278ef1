import { crowdCases, lifeCases } from './testing/lives/cases.ts'
import { describeLives } from './testing/lives/describe-lives.ts'
import { openEc2Life } from './testing/lives/openers.ts'

describeLives('F', 'lives', [...lifeCases, ...crowdCases], openEc2Life)
