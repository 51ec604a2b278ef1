import type { EC2 } from '@aws-sdk/client-ec2'
import type { Action } from '@re-ops/protocols'
import { markKeys, marksOf, noMarks } from '../marks.ts'
import { acting, type Ec2Call } from './client.ts'
import { tagList } from './plan.ts'
import { instanceType } from './words.ts'

/** Does what is asked of one machine. All but a reboot come to the same when sent twice. */
export const act = async (call: Ec2Call, ref: string, action: Action, signal: AbortSignal): Promise<void> => {
  const ask = <T>(send: (client: EC2, options: { abortSignal: AbortSignal }) => Promise<T>) =>
    call(acting, signal, send)
  const InstanceIds = [ref]
  switch (action.kind) {
    case 'start':
      return void (await ask((client, options) => client.startInstances({ InstanceIds }, options)))
    case 'stop':
      return void (await ask((client, options) => client.stopInstances({ InstanceIds, Force: action.force }, options)))
    case 'reboot':
      return void (await ask((client, options) => client.rebootInstances({ InstanceIds }, options)))
    case 'resize': {
      const InstanceType = { Value: instanceType(action.size) }
      return void (await ask((client, options) =>
        client.modifyInstanceAttribute({ InstanceId: ref, InstanceType }, options),
      ))
    }
    case 'rename':
      return setTags(call, ref, { Name: action.name }, signal)
    case 'setTags':
      return setTags(call, ref, action.tags, signal)
    case 'setExpiry':
      return setTags(call, ref, { [markKeys.expiresAt]: action.expiresAt }, signal)
    case 'setOwner':
      return setTags(call, ref, action.owner === null ? noMarks : marksOf(action.owner), signal)
    case 'setProtection': {
      const DisableApiTermination = { Value: action.protected }
      return void (await ask((client, options) =>
        client.modifyInstanceAttribute({ InstanceId: ref, DisableApiTermination }, options),
      ))
    }
  }
}

const setTags = async (
  call: Ec2Call,
  ref: string,
  tags: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<void> => {
  const Resources = [ref]
  const set = Object.entries(tags).flatMap(([key, value]) => (value === null ? [] : [[key, value] as const]))
  const gone = Object.keys(tags).filter(key => tags[key] === null)
  if (set.length > 0)
    await call(acting, signal, (client, options) =>
      client.createTags({ Resources, Tags: tagList(Object.fromEntries(set)) }, options),
    )
  if (gone.length > 0)
    await call(acting, signal, (client, options) =>
      client.deleteTags({ Resources, Tags: gone.map(Key => ({ Key })) }, options),
    )
}
