import type { Volume } from '@aws-sdk/client-ec2'
import { ProviderError, type Child, type DestroyPlan } from '@re-ops/protocols'
import { destroying, destroyingLook, reading, type CallKind, type Ec2Call } from './client.ts'

const volumesOf = async (call: Ec2Call, kind: CallKind, ref: string, signal: AbortSignal): Promise<Volume[]> => {
  const Filters = [{ Name: 'attachment.instance-id', Values: [ref] }]
  const answer = await call(kind, signal, (client, options) => client.describeVolumes({ Filters }, options))
  return answer.Volumes ?? []
}

const attachmentOf = (volume: Volume, ref: string) => volume.Attachments?.find(one => one.InstanceId === ref)

/** Its disks: those that were attached later do not end with it by themselves. */
export const children = async (call: Ec2Call, ref: string, signal: AbortSignal): Promise<Child[]> =>
  (await volumesOf(call, reading, ref, signal)).map(volume => ({
    ref: volume.VolumeId ?? '',
    kind: 'disk',
    costs: true,
    endsWithMachine: attachmentOf(volume, ref)?.DeleteOnTermination ?? false,
  }))

/** Each disk is told whether it ends with the machine. */
const markDisks = async (call: Ec2Call, ref: string, plan: DestroyPlan, signal: AbortSignal): Promise<void> => {
  for (const volume of await volumesOf(call, destroyingLook, ref, signal)) {
    const attachment = attachmentOf(volume, ref)
    const ends = !plan.keep.includes(volume.VolumeId ?? '')
    if (attachment?.Device === undefined || (attachment.DeleteOnTermination ?? false) === ends) continue
    const BlockDeviceMappings = [{ DeviceName: attachment.Device, Ebs: { DeleteOnTermination: ends } }]
    await call(destroying, signal, (client, options) =>
      client.modifyInstanceAttribute({ InstanceId: ref, BlockDeviceMappings }, options),
    )
  }
}

/** The disks first, so that nothing is left to be done once the machine is gone. */
export const destroy = async (call: Ec2Call, ref: string, plan: DestroyPlan, signal: AbortSignal): Promise<void> => {
  try {
    await markDisks(call, ref, plan, signal)
    await call(destroying, signal, (client, options) => client.terminateInstances({ InstanceIds: [ref] }, options))
  } catch (error) {
    // Not there (any more, or not yet seen): whoever asked looks again after the visibility window.
    if (!(error instanceof ProviderError && error.kind === 'not-found')) throw error
  }
}
