import { lifeCases } from './lives/cases.ts'
import { describeLives } from './lives/describe-lives.ts'
import { openLocal } from './lives/open-local.ts'

describeLives('L', 'lives', lifeCases, openLocal)
