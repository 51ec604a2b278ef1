import { readFileSync } from 'node:fs'
import { EC2 } from '@aws-sdk/client-ec2'
import { setTimeout as pause } from 'node:timers/promises'
import { makeEc2, markKeys, noLimiter, type Place } from '@re-ops/re-core/testing'
import type { Target } from './subject.ts'

/** A server that speaks EC2's API, as whoever runs the suite describes it. */
export type OtherEc2 = {
  readonly endpoint: string
  readonly region: string
  /** `ACCESS_KEY_ID:SECRET_ACCESS_KEY` */
  readonly secret: string
  readonly image: string
  readonly size: string
  readonly largerSize: string
  /** Cases that it is known not to do, and why. */
  readonly skips: Readonly<Record<number, string>>
}

type Environment = Readonly<Record<string, string | undefined>>

const skipsIn = (path: string | undefined): OtherEc2['skips'] => {
  if (path === undefined) return {}
  const read: unknown = JSON.parse(readFileSync(path, 'utf8'))
  const isList = typeof read === 'object' && read !== null && !Array.isArray(read)
  const wrong = isList ? Object.entries(read).find(([n, why]) => !/^\d+$/.test(n) || typeof why !== 'string') : ['', '']
  if (wrong !== undefined)
    throw new Error(`RECORE_TEST_EC2_SKIPS: ${path} is no list of skips; allowed: {"3": "why", ...} ${wrong[0]}`)
  return read as OtherEc2['skips']
}

/** Null: none is given. Throws when what is given of it makes no sense. */
export const otherEc2 = (environment: Environment): OtherEc2 | null => {
  const { RECORE_TEST_EC2_ENDPOINT: endpoint } = environment
  if (endpoint === undefined || endpoint === '') return null
  if (!URL.canParse(endpoint)) throw new Error('RECORE_TEST_EC2_ENDPOINT is no URL')
  return {
    endpoint,
    region: environment['RECORE_TEST_EC2_REGION'] ?? 'us-east-1',
    secret: environment['RECORE_TEST_EC2_SECRET'] ?? 'test:test',
    image: environment['RECORE_TEST_EC2_IMAGE'] ?? 'debian-12',
    size: environment['RECORE_TEST_EC2_SIZE'] ?? 't3.small',
    largerSize: environment['RECORE_TEST_EC2_LARGER_SIZE'] ?? 't3.large',
    skips: skipsIn(environment['RECORE_TEST_EC2_SKIPS']),
  }
}

const withinMs = 120_000
const living = ['pending', 'running', 'stopping', 'stopped']
const ours = { Name: 'tag-key', Values: [markKeys.installation] }

/** Throws when it does not hold within two minutes. */
export const until: Target['until'] = async (what, holds) => {
  for (const end = performance.now() + withinMs; !(await holds()); await pause(100))
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
}

/** A client of its own, past our provider, and what only that can tell; machines of others are not looked at. */
export const openOther = ({ endpoint, region, secret }: OtherEc2) => {
  const [accessKeyId = '', secretAccessKey = ''] = secret.split(':')
  const client = new EC2({ endpoint, region, credentials: { accessKeyId, secretAccessKey } })
  const inStates = async (Values: string[]): Promise<string[]> => {
    const Filters = [ours, { Name: 'instance-state-name', Values }]
    const { Reservations = [] } = await client.describeInstances({ Filters })
    return Reservations.flatMap(one => one.Instances ?? []).flatMap(one => one.InstanceId ?? [])
  }
  const alive = (): Promise<string[]> => inStates(living)
  const clear = async (): Promise<void> => {
    for (const InstanceId of await alive())
      await client.modifyInstanceAttribute({ InstanceId, DisableApiTermination: { Value: false } })
    const InstanceIds = await alive()
    if (InstanceIds.length > 0) await client.terminateInstances({ InstanceIds })
    // Lists show those that end as well, and the next case begins with an empty one.
    await until('all are gone', async () => (await inStates([...living, 'shutting-down'])).length === 0)
  }
  return {
    client,
    alive,
    /** Ends what is left of ours, and the client. */
    stop: async (): Promise<void> => {
      await clear()
      client.destroy()
    },
  }
}

/** An account there, as a provider is given it. */
export const placeOf = ({ endpoint, region, secret }: OtherEc2): Place => ({
  account: { name: 'test', settings: { endpoint }, secret },
  region,
  limiter: noLimiter,
})

export const targetOfOther = (other: OtherEc2): Target => {
  const { client, alive, stop } = openOther(other)
  const { secret, image, size, largerSize } = other
  const [, secretAccessKey = ''] = secret.split(':')
  return {
    provider: makeEc2({}, placeOf(other)),
    another: makeEc2({}, placeOf(other)),
    spec: name => ({ name, type: 'web', size, image, callHome: null, zones: [] }),
    alive,
    leftovers: async () => {
      const { Volumes = [] } = await client.describeVolumes({ Filters: [ours] })
      return Volumes.flatMap(one => one.VolumeId ?? [])
    },
    until,
    pass: pause,
    largerSize,
    zones: [],
    mishaps: {},
    canary: secretAccessKey === 'test' ? null : secretAccessKey,
    stop,
  }
}
