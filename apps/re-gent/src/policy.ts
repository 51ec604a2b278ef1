import { readFileSync, statSync } from 'node:fs'
import { ModuleHash, patternMatches } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { AgentExit, exitCodes } from './exit.ts'
import { errorText } from './log.ts'

const Patterns = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 256 })
const modulesDoc = '"all", "none", or { "hashes": [...], "subjects": [patterns of who pushed] }'

/** What this host allows, whoever asks: its owner's word, which no token overrides. Absent parts allow all. */
export const Policy = Type.Object(
  {
    operations: Type.Optional(
      Type.Object({ allow: Type.Optional(Patterns), deny: Type.Optional(Patterns) }, { additionalProperties: false }),
    ),
    /** The operation `shell`, and live modules that give commands. */
    shell: Type.Optional(Type.Boolean()),
    modules: Type.Optional(
      Type.Union(
        [
          Type.Literal('all'),
          Type.Literal('none'),
          Type.Object(
            {
              hashes: Type.Optional(Type.Array(ModuleHash, { maxItems: 1_000 })),
              subjects: Type.Optional(Patterns),
            },
            { additionalProperties: false },
          ),
        ],
        { description: modulesDoc },
      ),
    ),
    memoryBytesMax: Type.Optional(Type.Integer({ minimum: 67_108_864 })),
    /** Of what a command and its descendants have resident. */
    commandMemoryBytesMax: Type.Optional(Type.Integer({ minimum: 1_048_576 })),
  },
  { additionalProperties: false },
)
export type Policy = Static<typeof Policy>

/** What is asked of the host. `subject` and `commands` are known once the module is here. */
export type Asks = {
  readonly operation: string
  readonly module?: string | undefined
  readonly subject?: string
  readonly commands?: boolean
}
export type PolicyKeeper = {
  /** The rule that refuses it, in words, or null. */
  refusal(asks: Asks): string | null
  memoryBytesMax(): number | undefined
  commandMemoryBytesMax(): number | undefined
}

/** A look at the file costs more than the rest of a small call. */
const lookEveryMs = 1_000

const matching = (patterns: readonly string[], text: string) => patterns.find(one => patternMatches(one, text))

/** Pure: the rule that speaks against it, or null. */
export const ruleAgainst = (policy: Policy, { operation, module, subject, commands }: Asks): string | null => {
  const { operations = {}, shell = true, modules = 'all' } = policy
  const denied = matching(operations.deny ?? [], operation)
  if (denied !== undefined) return `operations.deny has ${JSON.stringify(denied)}`
  if (operations.allow && matching(operations.allow, operation) === undefined)
    return `operations.allow does not have ${operation}`
  if (!shell && module === undefined && operation === 'shell') return 'shell is false'
  if (!shell && commands === true) return 'shell is false, and the module gives commands'
  if (module === undefined || modules === 'all') return null
  if (modules === 'none') return 'modules is "none"'
  if (modules.hashes?.includes(module) === true) return null
  if (modules.subjects === undefined) return `modules.hashes does not have ${module}`
  if (subject === undefined || matching(modules.subjects, subject) !== undefined) return null
  return `modules.subjects does not have ${subject}, who pushed it`
}

const parse = (path: string, text: string): Policy => {
  let policy: unknown
  try {
    policy = JSON.parse(text)
  } catch {
    throw new Error(`${path} is not JSON`)
  }
  const [first] = Errors(Policy, policy)
  if (!first) return policy as Policy
  const fields = Object.keys(Policy.properties).join(', ')
  throw new Error(`${path}${first.instancePath} ${first.message}; allowed are ${fields}; modules is ${modulesDoc}`)
}

/**
 * Keeps the policy file: read at the start (a wrong one is exit 2) and again within a second of a change. One that cannot be
 * understood later refuses everything. `required`: named by the configuration, so it must be there.
 */
export const keepPolicy = (path: string, required: boolean): PolicyKeeper => {
  const held: { stamp: string; policy: Policy; fault: string | null; lookAt: number } = {
    stamp: '',
    policy: {},
    fault: null,
    lookAt: 0,
  }
  const read = (): void => {
    const time = performance.now()
    if (time < held.lookAt) return
    held.lookAt = time + lookEveryMs
    const found = statSync(path, { throwIfNoEntry: false, bigint: true })
    const now = found ? `${found.mtimeNs} ${found.size} ${found.ino}` : 'none'
    if (now === held.stamp) return
    held.stamp = now
    try {
      if (!found && required) throw new Error(`${path} is not there`)
      held.policy = found ? parse(path, readFileSync(path, 'utf8')) : {}
      held.fault = null
    } catch (error) {
      held.fault = errorText(error)
    }
  }
  read()
  if (held.fault !== null) throw new AgentExit(exitCodes.config, `the policy ${held.fault}`)
  return {
    refusal: asks => {
      read()
      if (held.fault !== null) return `the policy cannot be understood, so nothing is allowed: ${held.fault}`
      const rule = ruleAgainst(held.policy, asks)
      return rule === null ? null : `the policy of this host refuses it: ${rule}`
    },
    memoryBytesMax: () => held.policy.memoryBytesMax,
    commandMemoryBytesMax: () => held.policy.commandMemoryBytesMax,
  }
}
