import { afterAll } from '@jest/globals'
import { openQemu, openTestDriver, type KvmStage } from '../chaos/lifecycle/stages/kvm.ts'
import { lifeCases } from './testing/lives/cases.ts'
import { describeLives } from './testing/lives/describe-lives.ts'
import { openKvmLife } from './testing/lives/openers.ts'

/** One libvirtd for all of a target: it takes seconds to learn what QEMU can. */
const shared = (letter: 'T' | 'K', open: () => Promise<KvmStage>) => {
  let stage: Promise<KvmStage> | null = null
  describeLives(letter, 'lives', lifeCases, async url => openKvmLife(letter, url, await (stage ??= open())))
  afterAll(async () => (await stage)?.stop())
}
shared('T', openTestDriver)
shared('K', openQemu)
