import { CommanderError, type Command } from 'commander'
import { addHosts } from './program/hosts.ts'
import { addSecrets } from './program/secrets.ts'
import { addRun } from './program/run.ts'
import { addInventory } from './program/inventory.ts'
import { addFacts } from './program/facts.ts'
import { addSelectors } from './program/selectors.ts'
import { addFiles } from './program/files.ts'
import { addSnapshots } from './program/snapshots.ts'
import { addSystems } from './program/systems.ts'
import { addExtras } from './program/extras.ts'
import { addLeases } from './program/leases.ts'
import { addQuotas } from './program/quotas.ts'
import { addWords } from './program/words.ts'
import { addJobs } from './program/jobs.ts'
import { addReach } from './program/reach.ts'
import { addRuns } from './program/runs.ts'
import { addOperations } from './program/operations.ts'
import { addAgents } from './program/agents.ts'
import { addSchedules } from './program/schedules.ts'
import { addKeys } from './program/keys.ts'
import { addAccounts } from './program/accounts.ts'
import { addProviders } from './program/providers.ts'
import { addEnrolments } from './program/enrolments.ts'
import { addToken } from './program/token.ts'
import { addCompletion } from './program/completion.ts'
import { examples, makeKit, type Parts } from './program/kit.ts'

/** In the order in which help shows them. */
const groups = [
  addHosts,
  addSecrets,
  addRun,
  addInventory,
  addFacts,
  addSelectors,
  addFiles,
  addSystems,
  addReach,
  addWords,
  addExtras,
  addJobs,
  addSnapshots,
  addLeases,
  addQuotas,
  addRuns,
  addOperations,
  addAgents,
  addSchedules,
  addKeys,
  addAccounts,
  addProviders,
  addEnrolments,
  addToken,
  addCompletion,
]

/** All commands of `reops`; a group of them is a file in program/. */
export const makeProgram = (parts: Parts): Command => {
  const kit = makeKit(parts)
  const { program, configured } = kit
  configured(program)
    .description('Create machines, run typed operations on all of them, see folded results.')
    .version(parts.version, '-V, --version', 'the version')
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `${examples(
        'reops hosts',
        "reops run facts --on '*'",
        "reops run disk --on 'role=web and not env=prod'",
        "reops run --on 'web-[1-3]' -- uname -r",
        'reops systems create --name demo --count 3 --type web --wait',
      )}
\`reops help <command>\` has examples of each.
Finds the cluster by .reops/cluster.json in this folder or one above, or by REOPS_CORE_URL, REOPS_MOTE_URL, REOPS_TOKEN.
Exit codes: 0 all ok · 1 some target failed · 2 wrong usage, or a selector that matches nothing · 3 unreachable or not allowed
`,
    )
  for (const add of groups) add(kit)
  return program
}

export { CommanderError }

/** Commands of groups that are called so, as they are typed: who types `push` may mean `files push`. */
export const insideGroups = (program: Command, name: string): string[] =>
  program.commands.flatMap(group =>
    group.commands.some(one => one.name() === name) ? [`reops ${group.name()} ${name}`] : [],
  )
