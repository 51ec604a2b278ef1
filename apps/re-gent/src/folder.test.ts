import { rmSync } from 'node:fs'
import { afterEach, expect, test } from '@jest/globals'
import { startCluster, type Cluster } from './testing/cluster.ts'

let cluster: Cluster | undefined
afterEach(() => cluster?.close())

test('an agent whose state folder is removed ends: nothing would ever stop it otherwise', async () => {
  cluster = await startCluster()
  const agent = cluster.start()
  await cluster.online()
  rmSync(cluster.folder, { recursive: true, force: true })
  expect(await agent.exited).toBe(2)
  expect(agent.stderr()).toContain('was removed; this agent has no machine any more')
})
