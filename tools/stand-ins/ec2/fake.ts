import { randomUUID } from 'node:crypto'
import { realClock, type Clock } from '../shared/clock.ts'
import { makeFaults, type Faults } from '../shared/faults.ts'
import { serve, type Asked, type Reply } from '../shared/serve.ts'
import { catalogActions } from './catalog.ts'
import { getConsoleOutput } from './console.ts'
import { control, controlPath } from './control.ts'
import { decode, encode, escaped, type Values } from './codec.ts'
import { groupActions } from './groups.ts'
import { imageActions } from './images.ts'
import {
  describeInstanceAttribute,
  describeInstances,
  modifyInstanceAttribute,
  powerActions,
  terminate,
} from './instances.ts'
import { keyActions } from './keys.ts'
import { Ec2Refusal, refuse } from './refusal.ts'
import { runInstances } from './run.ts'
import { defaultSetup, makeState, type Ec2State, type Machine, type Setup } from './state.ts'
import { createTags, deleteTags } from './tags.ts'
import { makeThrottle } from './throttle.ts'
import { volumeActions } from './volumes.ts'

type Action = (state: Ec2State, input: never) => object
const actions: Readonly<Record<string, Action>> = {
  RunInstances: runInstances,
  DescribeInstances: describeInstances,
  GetConsoleOutput: getConsoleOutput,
  ModifyInstanceAttribute: modifyInstanceAttribute,
  DescribeInstanceAttribute: describeInstanceAttribute,
  CreateTags: createTags,
  DeleteTags: deleteTags,
  ...powerActions,
  ...volumeActions,
  ...imageActions,
  ...keyActions,
  ...groupActions,
  ...catalogActions,
}

/** The code of the error that a fault answers with, for example `RequestLimitExceeded`. */
export type Ec2Answer = string
export type FakeEc2Options = {
  readonly clock?: Clock
  readonly setup?: Partial<Setup>
  readonly onState?: (machine: Machine) => void
}

const xml = { 'content-type': 'text/xml;charset=UTF-8' }
const errorReply = ({ code, message, status }: Ec2Refusal): Reply => ({
  status,
  headers: xml,
  body: `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>${escaped(code)}</Code><Message>${escaped(message)}</Message></Error></Errors><RequestID>${randomUUID()}</RequestID></Response>`,
})

const actionOf = ({ body }: Asked): string => new URLSearchParams(body.toString()).get('Action') ?? ''

/** Whose key signed the request; the signature itself is not checked. */
const keyOf = ({ headers }: Asked): string | null =>
  /Credential=([^/,]+)\//.exec(headers['authorization'] ?? '')?.[1] ?? null

const authorise = ({ setup }: Ec2State, asked: Asked, action: string): void => {
  const key = keyOf(asked)
  if (key === null || (setup.keys !== null && !setup.keys.has(key)))
    refuse('AuthFailure', 'AWS was not able to validate the provided access credentials')
  if (setup.denied.has(action)) refuse('UnauthorizedOperation', 'You are not authorized to perform this operation.')
}

const perform = (state: Ec2State, { action, input }: { action: string; input: Values }): string => {
  const run = actions[action] as ((state: Ec2State, input: Values) => object) | undefined
  if (run === undefined) return refuse('InvalidAction', `The action ${action} is not valid for this stand-in.`)
  return encode(action, run(state, input) as Values, randomUUID())
}

/** EC2's API in one region, in memory, on a clock: what a request does, and all that can go wrong with it. */
export const startFakeEc2 = async (options: FakeEc2Options = {}) => {
  const clock = options.clock ?? realClock()
  const setup: Setup = { ...defaultSetup(), ...options.setup }
  const state = makeState(clock, setup, options.onState ?? (() => {}))
  const faults: Faults<Ec2Answer> = makeFaults()
  const throttle = makeThrottle(setup, clock.now)
  const counts = new Map<string, number>()
  let throttled = 0

  const done = (asked: Asked, late: boolean): Reply => {
    clock.settle()
    try {
      const known = decode(new URLSearchParams(asked.body.toString()))
      const request = known ?? refuse('InvalidAction', 'The action is not valid for this web service.')
      authorise(state, asked, request.action)
      if (!late && !throttle(request.action)) {
        throttled += 1
        refuse('RequestLimitExceeded', 'Request limit exceeded.')
      }
      return { status: 200, headers: xml, body: perform(state, request) }
    } catch (error) {
      if (error instanceof Ec2Refusal) return errorReply(error)
      throw error
    }
  }
  const server = await serve<Ec2Answer>({
    clock,
    mishap: asked => {
      if (asked.path === controlPath) return null
      const action = actionOf(asked)
      counts.set(action, (counts.get(action) ?? 0) + 1)
      return faults.take(action, clock.now())
    },
    apply: asked => (asked.path === controlPath ? control({ state, faults, counts }, asked) : done(asked, false)),
    applyLate: asked => void done(asked, true),
    refuse: code => errorReply(new Ec2Refusal(code, `a fault answers ${code}`)),
  })
  return {
    url: server.url,
    stop: server.stop,
    clock,
    state,
    setup,
    faults,
    /** How often each action was asked for. */
    counts,
    /** How many requests its buckets refused. */
    throttled: () => throttled,
    /** Machines that are not terminated (and cost something). */
    alive: (): Machine[] => {
      clock.settle()
      return [...state.machines.values()].filter(one => one.state !== 'terminated' && one.state !== 'shutting-down')
    },
    /** As if somebody else did it: by hand in the web console, or EC2 that takes a spot machine back. */
    end: (id: string, reason = 'Server.SpotInstanceTermination'): void => {
      const machine = state.machines.get(id)
      if (machine === undefined) throw new Error(`there is no machine ${id}`)
      terminate(state, machine, reason)
    },
  }
}
export type FakeEc2 = Awaited<ReturnType<typeof startFakeEc2>>
