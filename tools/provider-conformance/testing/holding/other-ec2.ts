import { ec2Driver, identityOf, makeEc2 } from '@re-ops/re-core/testing'
import { newId } from '@re-ops/protocols'
import { bound } from '../looks.ts'
import { openOther, placeOf, until, type OtherEc2 } from '../other-ec2.ts'
import { quickCaps, type Hand } from './hand.ts'

/** A server that is known by its address alone, in the hands of somebody with the SDK. */
export const openOtherEc2 = async (other: OtherEc2): Promise<Hand> => {
  const { region, endpoint, secret, size, image, largerSize } = other
  const { client, stop } = openOther(other)
  const provider = makeEc2({}, placeOf(other))
  const look = async (ref: string) => {
    const { Reservations = [] } = await client.describeInstances({ InstanceIds: [ref] })
    const [one] = Reservations.flatMap(({ Instances = [] }) => Instances)
    const power = one?.State?.Name ?? 'terminated'
    const tags = Object.fromEntries((one?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]))
    return { power, size: one?.InstanceType ?? '', tags }
  }
  const untilIs = (ref: string, power: string) =>
    until(`${ref} is ${power}`, async () => (await look(ref)).power === power)
  const powerOff = async (ref: string): Promise<void> => {
    await client.stopInstances({ InstanceIds: [ref], Force: true })
    await untilIs(ref, 'stopped')
  }
  return {
    letter: 'M',
    account: { name: 'other', driver: ec2Driver({ caps: quickCaps }), region, settings: { endpoint }, secret },
    size,
    image,
    largerSize,
    make: async (name, tags) => {
      const spec = { name, type: 'web', size, image, callHome: null, zones: [] }
      const { identity, body } = provider.planCreate(spec, identityOf(newId(), newId(), 1, 0))
      const { ClientToken: _token, TagSpecifications: _tags, ...plain } = body
      const Tags = Object.entries({ Name: name, ...tags }).map(([Key, Value]) => ({ Key, Value }))
      const marked = { ...plain, TagSpecifications: [{ ResourceType: 'instance', Tags }] }
      return (await provider.create({ identity, body: marked }, bound())).ref
    },
    powerOff,
    resize: async (ref, wanted) => {
      await powerOff(ref)
      await client.modifyInstanceAttribute({ InstanceId: ref, InstanceType: { Value: wanted } })
      await client.startInstances({ InstanceIds: [ref] })
      await untilIs(ref, 'running')
    },
    tag: async (ref, Key, Value) => void (await client.createTags({ Resources: [ref], Tags: [{ Key, Value }] })),
    remove: async ref => {
      await client.terminateInstances({ InstanceIds: [ref] })
      await untilIs(ref, 'terminated')
    },
    look: async ref => {
      const one = await look(ref)
      return one.power === 'terminated' || one.power === 'shutting-down' ? null : one
    },
    stop,
  }
}
