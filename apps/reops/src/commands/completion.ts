import type { Command } from 'commander'
import { complete, type Names } from '../completion/complete.ts'
import { scriptOf, shells, type ShellName } from '../completion/scripts.ts'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'

/** Nobody waits longer for a key to answer, unless the cluster is known to be far away (REOPS_COMPLETION_MS). */
const answerWithinMs = (given: number): number => (given > 0 && given <= 60_000 ? given : 1_500)
const docMax = 60
const latest = 50

export const printCompletion = async ({ terminal }: Context, shell: string): Promise<number> => {
  if (!Object.hasOwn(scriptOf, shell))
    throw usage(
      `no completion for \`${shell}\`; allowed are ${shells.join(', ')}; for example: eval "$(reops completion bash)"`,
    )
  terminal.out(scriptOf[shell as ShellName])
  return 0
}

/** Names of the cluster; without one, or one that is slow, none: a completion never complains. */
const namesOf = (context: Context, withinMs: number): Names => {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('late')), withinMs).unref()
  })
  late.catch(() => undefined)
  const asked = async <A>(ask: (client: Awaited<ReturnType<Context['client']>>) => Promise<readonly A[]>) => {
    try {
      return await Promise.race([context.client().then(ask), late])
    } catch {
      return []
    }
  }
  return {
    operations: () => asked(({ mote }) => mote.operations()) as ReturnType<Names['operations']>,
    hosts: () => asked(({ mote }) => mote.hosts()),
    systems: () => asked(({ core }) => core.systems()),
    selectors: async () => (await asked(({ mote }) => mote.selectors())).map(({ name }) => name),
    runs: () => asked(({ mote }) => mote.runs({ limit: latest })),
  }
}

/** One candidate a line, with what it is behind a tab: for the scripts of `reops completion`. */
export const printCandidates = async (
  context: Context,
  program: Command,
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> => {
  const found = await complete(
    program,
    words,
    namesOf(context, answerWithinMs(Number(environment['REOPS_COMPLETION_MS']))),
  )
  for (const { word, doc = '' } of found)
    context.terminal.out(`${word}${doc === '' ? '' : `\t${doc.replaceAll(/\s+/g, ' ').slice(0, docMax)}`}\n`)
  return 0
}
