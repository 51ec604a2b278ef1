import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openGuestLab, phasesOf, say, type GuestLab } from './guest-lab.ts'
import { root, type Ended } from './testing.ts'

const sizes = {
  small: { cores: 2, memoryMb: 320, diskGb: 2 },
  larger: { cores: 2, memoryMb: 448, diskGb: 3 },
}
/** An emulated CPU that others share takes its time. */
const withinMs = 300_000
let lab: GuestLab
beforeAll(async () => {
  lab = await openGuestLab('fast', sizes, withinMs)
  expect(lab.saved).toMatchObject({ code: 0 })
}, 400_000)
afterAll(() => lab?.close(), 60_000)

/** Types into a machine's console as a person does: each line when the last was answered, Ctrl-] at the end. */
const atConsole = (name: string, dialogue: readonly (readonly [string, RegExp])[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'apps/reops/bin/reops.mjs'), 'console', name], {
      cwd: lab.world.folder,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const late = setTimeout(() => child.kill('SIGKILL'), withinMs)
    const said = { out: '', error: '' }
    const left = [...dialogue]
    let at = 0
    const next = () => child.stdin.write(left[0]?.[0] ?? '\u001d')
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.error === '') next()
      said.error += text
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text
      const found = left[0]?.[1].exec(said.out.slice(at))
      if (!found) return
      at += found.index + found[0].length
      left.shift()
      next()
    })
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(late)
      resolve({ code, ...said })
    })
  })

/** A guest grows its file system when its agent is at work already; it is waited for inside. */
const grownTo = (name: string, mb: number) => {
  const look = `until df -m / | awk 'NR==2 && $2 > ${mb} {found=1} END {exit !found}'; do sleep 1; done`
  return must(`run --on ${name} --timeout 120s --`, 'sh', '-c', look)
}

const must = async (line: string, ...more: readonly string[]): Promise<string> => {
  const ended = await lab.reops([...line.split(' '), ...more])
  expect({ line, ...ended }).toMatchObject({ code: 0 })
  return ended.out
}

/** What tells machines apart, as they say it. */
const identity = async (name: string): Promise<{ hostname: string; machineId: string }> => {
  const said = await must(`run --on ${name} --`, 'sh', '-c', 'echo "$(hostname) $(cat /etc/machine-id)"')
  const [, hostname = '', machineId = ''] = / (\S+) ([0-9a-f]{32})/.exec(said) ?? []
  return { hostname, machineId }
}

/** Another machine with the same disk: it has a name and a machine-id of its own, and what it is made of stays as it was. */
const clone = async (source: string, name: string): Promise<void> => {
  const before = await identity(source)
  expect(before).toEqual({ hostname: source, machineId: expect.stringMatching(/^[0-9a-f]{32}$/) })
  await must(`systems stop ${source} --yes --wait`)
  await must(`systems clone ${source} --name ${name} --wait`)
  say(phasesOf(await lab.system(name)))
  const own = await identity(name)
  expect(own.hostname).toBe(name)
  expect(own.machineId).not.toBe(before.machineId)
  await must(`systems start ${source} --wait`)
  expect(await identity(source)).toEqual(before)
  await must(`systems destroy ${name} --yes --wait`)
  const made = JSON.parse(await must('snapshots --json')) as { name: string }[]
  expect(made).toHaveLength(1)
  for (const one of made) await must(`snapshots delete ${one.name} --yes`)
}

test('a machine is made, boots, calls home and does what it is told, until it is destroyed and nothing is left', async () => {
  await must('systems create --account lab --image fast --size small --name g1 --wait')
  const ready = await lab.system('g1')
  say(phasesOf(ready))
  const phases = ready.phases.map(one => one.name)
  expect(phases).toEqual(expect.arrayContaining(['requested', 'booting', 'enrolled', 'ready']))
  await must('run uptime --on g1')
  const looks = "hostname; grep -c 'vda / ext4' /proc/mounts"
  expect(await must('run --on g1 --', 'sh', '-c', looks)).toMatch(/g1\n\s+g1\n\s+1/)
  await grownTo('g1', 1_800)
  const typed = [
    ['\r', /# $/],
    ['hostname\r', /\ng1\r\n/],
  ] as const
  expect(await atConsole('g1', typed)).toMatchObject({ code: 0, error: expect.stringMatching(/Ctrl-] leaves.*left/s) })
  // QEMU's own network may have given it an IPv6 address as well, if that came before the agent's hello.
  const inside = { address: '10.0.2.15', scope: 'inside', from: 'agent' }
  expect(ready).toMatchObject({ address: null, addresses: expect.arrayContaining([inside]) })
  const unreached = await lab.reops(['ssh', 'g1'])
  expect(unreached).toMatchObject({ code: 2, error: expect.stringContaining('nothing reaches g1') })
  await must('systems stop g1 --yes --wait')
  await must('systems start g1 --wait')
  await must('systems resize g1 --size larger --yes --wait')
  await must('run --on g1 --', 'sh', '-c', "awk '/MemTotal/ && $2 > 380000 {found=1} END {exit !found}' /proc/meminfo")
  await grownTo('g1', 2_800)
  await clone('g1', 'g2')
  await must('systems destroy g1 --yes --wait')
  expect(await lab.left()).toEqual([[], []])
}, 500_000)
