import { crowdCases } from './testing/lives/cases.ts'
import { describeLives } from './testing/lives/describe-lives.ts'
import { openLocal } from './testing/lives/open-local.ts'

describeLives('L', 'crowds', crowdCases, openLocal)
