import type { CreateTagsRequest, DeleteTagsRequest } from '@aws-sdk/client-ec2'
import { refuse } from './refusal.ts'
import type { Ec2State } from './state.ts'

const tagsMax = 50
const exists = ({ machines, disks, images, groups, keys }: Ec2State, id: string): boolean =>
  machines.has(id) || disks.has(id) || images.has(id) || groups.has(id) || [...keys.values()].some(one => one.id === id)

const checked = (state: Ec2State, ids: readonly string[] | undefined): readonly string[] => {
  for (const id of ids ?? []) if (!exists(state, id)) refuse('InvalidID', `The ID '${id}' is not valid`)
  return ids ?? []
}

export const createTags = (state: Ec2State, { Resources, Tags }: CreateTagsRequest): object => {
  for (const id of checked(state, Resources)) {
    const tags = new Map(state.tags.get(id))
    for (const { Key = '', Value = '' } of Tags ?? []) {
      if (Key.startsWith('aws:')) refuse('InvalidParameterValue', `Tag keys starting with 'aws:' are reserved`)
      if (Key.length > 127 || Value.length > 256) refuse('InvalidParameterValue', 'Tag exceeds its length limit')
      tags.set(Key, Value)
    }
    if (tags.size > tagsMax) refuse('TagLimitExceeded', `The maximum number of ${tagsMax} tags has been reached`)
    state.tags.set(id, tags)
  }
  return {}
}

export const deleteTags = (state: Ec2State, { Resources, Tags }: DeleteTagsRequest): object => {
  for (const id of checked(state, Resources)) for (const { Key } of Tags ?? []) state.tags.get(id)?.delete(Key ?? '')
  return {}
}
