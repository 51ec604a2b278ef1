import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { controlPath } from '../../stand-ins/ec2/control.ts'
import { otherEc2, type OtherEc2 } from './other-ec2.ts'

const program = join(import.meta.dirname, '../../stand-ins/ec2/main.ts')
const region = 'eu-central-1'
const quick = { bootMs: 50, stopMs: 50, terminateMs: 50 }
const withinMs = 60_000

export type OwnEc2 = { readonly other: OtherEc2; readonly stop: () => Promise<void> }

/**
 * Our stand-in for EC2 as a process of its own, met by its address alone as any other server. Throws when it does not
 * start within a minute.
 */
export const startOwnEc2 = async (): Promise<OwnEc2> => {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  try {
    const signal = AbortSignal.timeout(withinMs)
    const [line] = (await once(createInterface({ input: child.stdout }), 'line', { signal })) as [string]
    const endpoint = line.slice(line.indexOf('http'))
    const told = await fetch(`${endpoint}${controlPath}`, { method: 'POST', body: JSON.stringify(quick), signal })
    const other = otherEc2({
      RECORE_TEST_EC2_ENDPOINT: endpoint,
      RECORE_TEST_EC2_REGION: region,
      RECORE_TEST_EC2_SECRET: 'test:canary-of-another-ec2-Zq8',
    })
    if (!told.ok || other === null) throw new Error(`the stand-in says ${told.status}: ${await told.text()}`)
    return { other, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
