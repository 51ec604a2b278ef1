import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Libvirt } from '@re-ops/node-libvirt'
import { startPrivateDaemon, type PrivateDaemon } from '@re-ops/node-libvirt/testing'
import type { System } from '@re-ops/protocols'
import { makeImage } from '../images/guest/make.ts'
import { openWorld, program, root, type Ended, type World } from './testing.ts'

/** Packages and images are kept there between runs, when it is named. */
const kept = process.env['REOPS_IMAGES'] ?? join(tmpdir(), 're-ops-images')
const sizes = JSON.stringify({
  small: { cores: 2, memoryMb: 320, diskGb: 2 },
  larger: { cores: 2, memoryMb: 448, diskGb: 3 },
})

let world: World
let daemon: PrivateDaemon
let libvirt: Libvirt
let pool = ''
/** An emulated CPU that others share takes its time. */
const withinMs = 300_000
const reops = (of: World, args: readonly string[]) => program('apps/reops/bin/reops.mjs', args, {}, of.folder, withinMs)
const say = (line: string): void => void process.stderr.write(`guest: ${line}\n`)

beforeAll(async () => {
  const images = await makeImage({ what: 'fast', folder: kept, cache: join(kept, 'cache'), onLine: say })
  daemon = await startPrivateDaemon()
  libvirt = await daemon.connect('qemu:///session', { connectTimeoutMs: 60_000 })
  pool = join(daemon.folder, 'pool')
  const made = await libvirt.pools.define(
    `<pool type='dir'><name>disks</name><target><path>${pool}</path></target></pool>`,
  )
  await libvirt.pools.build(made)
  await libvirt.pools.create(made)
  world = await openWorld(0)
  const settings = [`uri=${daemon.uri('qemu:///session')}`, 'pool=disks', 'network=user', 'domainType=qemu']
  const account = ['accounts', 'set', 'lab', '--provider', 'kvm', '--region', 'here']
  const saved = await reops(world, [...account, ...settings, `images:=${JSON.stringify(images)}`, `sizes:=${sizes}`])
  expect(saved).toMatchObject({ code: 0 })
}, 400_000)
afterAll(async () => {
  await world?.close()
  // A machine outlives the libvirtd that started it.
  for (const dom of (await libvirt?.domains.list({ active: true })) ?? []) await libvirt.domains.destroy(dom)
  await libvirt?.close()
  await daemon?.stop()
}, 60_000)

/** Machines and volumes that libvirt has. */
const left = async () => {
  const disks = await libvirt.pools.byName('disks')
  await libvirt.pools.refresh(disks)
  return [(await libvirt.domains.list()).map(one => one.name), (await libvirt.volumes.list(disks)).map(one => one.name)]
}
const system = async (name: string): Promise<System> => {
  const [found] = JSON.parse((await reops(world, ['systems', 'show', name, '--json'])).out) as [System]
  return found
}
const phasesOf = ({ phases, readyAfterMs }: System): string =>
  `${phases.map(one => `${one.name} ${one.ms ?? 0} ms`).join(', ')}; ready after ${readyAfterMs} ms`

/** Types into a machine's console as a person does: each line when the last was answered, Ctrl-] at the end. */
const atConsole = (name: string, dialogue: readonly (readonly [string, RegExp])[]): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'apps/reops/bin/reops.mjs'), 'console', name], {
      cwd: world.folder,
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
  const ended = await reops(world, [...line.split(' '), ...more])
  expect({ line, ...ended }).toMatchObject({ code: 0 })
  return ended.out
}

test('a machine is made, boots, calls home and does what it is told, until it is destroyed and nothing is left', async () => {
  await must('systems create --account lab --image fast --size small --name g1 --wait')
  const ready = await system('g1')
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
  expect(ready).toMatchObject({ address: null, addresses: [{ address: '10.0.2.15', scope: 'inside', from: 'agent' }] })
  const unreached = await reops(world, ['ssh', 'g1'])
  expect(unreached).toMatchObject({ code: 2, error: expect.stringContaining('nothing reaches g1') })
  await must('systems stop g1 --yes --wait')
  await must('systems start g1 --wait')
  await must('systems resize g1 --size larger --yes --wait')
  await must('run --on g1 --', 'sh', '-c', "awk '/MemTotal/ && $2 > 380000 {found=1} END {exit !found}' /proc/meminfo")
  await grownTo('g1', 2_800)
  await must('systems destroy g1 --yes --wait')
  expect(await left()).toEqual([[], []])
}, 500_000)
