import { EC2 } from '@aws-sdk/client-ec2'
import { afterEach, expect, test } from '@jest/globals'
import { manualClock } from '../shared/clock.ts'
import { startFakeEc2, type FakeEc2, type FakeEc2Options } from './fake.ts'

let fake: FakeEc2 | null = null
afterEach(async () => {
  await fake?.stop()
  fake = null
})

const started = async (options: FakeEc2Options = {}) => {
  const clock = manualClock()
  const one = await startFakeEc2({ clock, ...options })
  fake = one
  const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' }
  const client = new EC2({ endpoint: one.url, region: one.setup.region, credentials, maxAttempts: 1 })
  const run = (more: object = {}) =>
    client.runInstances({ ImageId: 'ami-1', InstanceType: 't3.small', MinCount: 1, MaxCount: 1, ...more })
  const machine = async (id: string) =>
    (await client.describeInstances({ InstanceIds: [id] })).Reservations?.[0]?.Instances?.[0]
  return { clock, one, client, run, machine }
}
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: Error) => error.name,
  )

test('one machine from pending to terminated on the clock, as the SDK reads it', async () => {
  const { clock, client, run, machine } = await started()
  const Tags = [{ Key: 'a&b', Value: '<größe>' }]
  const made = await run({ ClientToken: 't1', TagSpecifications: [{ ResourceType: 'instance', Tags }] })
  const id = made.Instances?.[0]?.InstanceId ?? ''
  expect(await machine(id)).toMatchObject({ State: { Code: 0, Name: 'pending' }, Tags, ClientToken: 't1' })
  expect((await machine(id))?.LaunchTime).toEqual(new Date(clock.now()))
  expect(await codeOf(client.rebootInstances({ InstanceIds: [id] }))).toBe('IncorrectInstanceState')
  clock.advance(3_000)
  expect((await machine(id))?.State?.Name).toBe('running')
  await client.stopInstances({ InstanceIds: [id] })
  expect(await codeOf(client.startInstances({ InstanceIds: [id] }))).toBe('IncorrectInstanceState')
  clock.advance(2_000)
  expect((await machine(id))?.State?.Name).toBe('stopped')
  await client.terminateInstances({ InstanceIds: [id] })
  clock.advance(2_000)
  expect((await machine(id))?.State?.Name).toBe('terminated')
  clock.advance(3_600_000)
  expect(await codeOf(machine(id))).toBe('InvalidInstanceID.NotFound')
})

test('client tokens: the same machine, a mismatch, a spent one', async () => {
  const { clock, client, run } = await started()
  const id = (await run({ ClientToken: 't' })).Instances?.[0]?.InstanceId ?? ''
  expect((await run({ ClientToken: 't' })).Instances?.[0]?.InstanceId).toBe(id)
  expect(await codeOf(run({ ClientToken: 't', InstanceType: 't3.large' }))).toBe('IdempotentParameterMismatch')
  await client.terminateInstances({ InstanceIds: [id] })
  clock.advance(10_000)
  expect(await codeOf(run({ ClientToken: 't' }))).toBe('IdempotentInstanceTerminated')
})

test('quota, capacity, buckets, rights: each its own code, and nothing made', async () => {
  const { clock, one, client, run } = await started({ setup: { vcpusMax: 4 } })
  one.setup.capacity.set('t3.large|*|spot', 0)
  const spot = { InstanceMarketOptions: { MarketType: 'spot' as const } }
  expect(await codeOf(run({ InstanceType: 't3.large', ...spot }))).toBe('InsufficientInstanceCapacity')
  expect(await codeOf(run({ InstanceType: 'm6i.xlarge' }))).toBe('ok')
  expect(await codeOf(run())).toBe('VcpuLimitExceeded')
  one.setup.buckets.set('Describe*', { perSecond: 1, burst: 2 })
  const look = () => codeOf(client.describeInstances({}))
  expect([await look(), await look(), await look()]).toEqual(['ok', 'ok', 'RequestLimitExceeded'])
  clock.advance(1_000)
  expect(await look()).toBe('ok')
  one.setup.denied = new Set(['RunInstances'])
  expect(await codeOf(run())).toBe('UnauthorizedOperation')
  one.setup.keys = new Set(['another'])
  expect(await codeOf(run())).toBe('AuthFailure')
  expect(one.alive()).toHaveLength(1)
})

test('pages go on after the last id; filters with wildcards; a filter that does not exist is refused', async () => {
  const { client, run } = await started({ setup: { pageMax: 2 } })
  for (const name of ['web-1', 'web-2', 'db-1'])
    await run({ TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: name }] }] })
  const first = await client.describeInstances({})
  expect(first.Reservations).toHaveLength(2)
  const second = await client.describeInstances({ NextToken: first.NextToken })
  expect([second.Reservations?.length, second.NextToken]).toEqual([1, undefined])
  const web = await client.describeInstances({ Filters: [{ Name: 'tag:Name', Values: ['web-*'] }] })
  expect(web.Reservations).toHaveLength(2)
  expect(await codeOf(client.describeInstances({ Filters: [{ Name: 'colour', Values: ['red'] }] }))).toBe(
    'InvalidParameterValue',
  )
})

test('another process switches what goes wrong, and sees what there is', async () => {
  const { one, run } = await started()
  const order = (body: object) => fetch(`${one.url}/_control`, { method: 'POST', body: JSON.stringify(body) })
  expect((await order({ capacity: { 't3.small|*|*': 1 }, colour: 'red' })).status).toBe(400)
  expect((await order({ capacity: { 't3.small|*|*': 1 } })).status).toBe(200)
  expect([await codeOf(run()), await codeOf(run())]).toEqual(['ok', 'InsufficientInstanceCapacity'])
  await order({ clear: true, faults: [{ action: 'RunInstances', nth: 1, does: { answer: 'InternalError' } }] })
  expect([await codeOf(run()), await codeOf(run())]).toEqual(['InternalError', 'ok'])
  const seen = (await (await fetch(`${one.url}/_control`)).json()) as { machines: object[]; counts: object }
  expect(seen.machines).toMatchObject([{ state: 'pending' }, { state: 'pending' }])
  expect(seen.counts).toEqual({ RunInstances: 4 })
})

test('volumes stay in their zone, images have one name', async () => {
  const { one, client, run } = await started()
  const id = (await run({ Placement: { AvailabilityZone: 'eu-central-1a' } })).Instances?.[0]?.InstanceId ?? ''
  const far = await client.createVolume({ AvailabilityZone: 'eu-central-1b', Size: 10, ClientToken: 'v' })
  expect((await client.createVolume({ AvailabilityZone: 'eu-central-1b', Size: 10, ClientToken: 'v' })).VolumeId).toBe(
    far.VolumeId,
  )
  const attach = (VolumeId: string) => client.attachVolume({ VolumeId, InstanceId: id, Device: '/dev/sdf' })
  expect(await codeOf(attach(far.VolumeId ?? ''))).toBe('InvalidVolume.ZoneMismatch')
  const near = await client.createVolume({ AvailabilityZone: 'eu-central-1a', Size: 10 })
  await attach(near.VolumeId ?? '')
  expect(await codeOf(client.deleteVolume({ VolumeId: near.VolumeId }))).toBe('VolumeInUse')
  await client.createImage({ InstanceId: id, Name: 'golden' })
  expect(await codeOf(client.createImage({ InstanceId: id, Name: 'golden' }))).toBe('InvalidAMIName.Duplicate')
  expect([...one.state.disks]).toHaveLength(3)
})

test('security groups begin open to the outside, are changed all or not, and stay while something has them', async () => {
  const { clock, client, run } = await started()
  const created = await client.createSecurityGroup({ GroupName: 'web', Description: 'web' })
  const GroupId = created.GroupId ?? ''
  expect(await codeOf(client.createSecurityGroup({ GroupName: 'web', Description: 'web' }))).toBe(
    'InvalidGroup.Duplicate',
  )
  const group = async () => (await client.describeSecurityGroups({ GroupIds: [GroupId] })).SecurityGroups?.[0]
  expect((await group())?.IpPermissionsEgress).toEqual([{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }])
  const permission = (port: number) => ({
    IpProtocol: 'tcp',
    FromPort: port,
    ToPort: port,
    IpRanges: [{ CidrIp: '192.0.2.0/24' }],
  })
  const allow = (...ports: number[]) =>
    client.authorizeSecurityGroupIngress({ GroupId, IpPermissions: ports.map(permission) })
  await allow(22)
  expect(await codeOf(allow(80, 22))).toBe('InvalidPermission.Duplicate')
  expect((await group())?.IpPermissions).toEqual([permission(22)])
  expect(await codeOf(client.revokeSecurityGroupIngress({ GroupId, IpPermissions: [permission(80)] }))).toBe(
    'InvalidPermission.NotFound',
  )
  const id = (await run({ SecurityGroupIds: [GroupId] })).Instances?.[0]?.InstanceId ?? ''
  expect(await codeOf(client.deleteSecurityGroup({ GroupId }))).toBe('DependencyViolation')
  await client.terminateInstances({ InstanceIds: [id] })
  clock.advance(2_000)
  await client.deleteSecurityGroup({ GroupId })
  expect(await codeOf(client.deleteSecurityGroup({ GroupId }))).toBe('InvalidGroup.NotFound')
  expect(await codeOf(run({ KeyName: 'nobody' }))).toBe('InvalidKeyPair.NotFound')
})
