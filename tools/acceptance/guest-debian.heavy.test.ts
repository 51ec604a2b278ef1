import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { askedBy } from '../test/needs.ts'
import { openGuestLab, phasesOf, say, type GuestLab } from './guest-lab.ts'

/** systemd and cloud-init on an emulated CPU that others share take their time. */
const withinMs = 900_000
let lab: GuestLab
const why = askedBy('REOPS_GUEST_DEBIAN', 'it takes many minutes')()
const testWhenAsked = why === null ? test : test.skip
const folder = mkdtempSync(join(tmpdir(), 'guest-debian-'))
beforeAll(async () => {
  if (why !== null) return
  lab = await openGuestLab('debian', { small: { cores: 2, memoryMb: 768, diskGb: 4 } }, withinMs)
  expect(lab.saved).toMatchObject({ code: 0 })
}, 2_000_000)
afterAll(async () => {
  await lab?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

const inside = async (script: string): Promise<string> => {
  const ended = await lab.reops(['run', '--on', 'd1', '--timeout', '300s', '--json', '--', 'sh', '-c', script])
  expect(ended).toMatchObject({ code: 0 })
  const [line = ''] = ended.out.split('\n')
  return (JSON.parse(line) as { value: { stdout: string } }).value.stdout.trim()
}

/** Logs in from the machine to itself: nothing else reaches it on QEMU's own network. */
const login = (key: string) =>
  `umask 077; id=$(mktemp); printf '%s' '${key}' >$id; ssh -i $id -o StrictHostKeyChecking=no -o BatchMode=yes debian@127.0.0.1 'id -un; sudo -n id -un'; rm $id`

const case44 = '44: cloud-init ran once, ssh as the declared user, the hostname is right, the disk has grown'
testWhenAsked(
  why === null ? case44 : `${case44} (${why})`,
  async () => {
    const key = join(folder, 'id')
    expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status).toBe(0)
    const publicKey = readFileSync(`${key}.pub`, 'utf8').trim()
    const where = ['--account', 'lab', '--image', 'debian', '--size', 'small', '--ssh-key', publicKey]
    const created = await lab.reops(['systems', 'create', '--name', 'd1', ...where, '--wait', '--timeout', '15m'])
    expect(created).toMatchObject({ code: 0 })
    say(phasesOf(await lab.system('d1')))
    const status = await inside(
      'cloud-init status --wait || grep WARNING /var/log/cloud-init.log; ls /var/lib/cloud/instances | wc -l; hostname; df -m / | tail -1',
    )
    expect(status).toMatch(/status: done\n1\nd1\n/)
    expect(Number(/(\d+) +\d+ +\d+ +\d+% \/$/.exec(status)?.[1])).toBeGreaterThan(3_700)
    expect(await inside(login(readFileSync(key, 'utf8')))).toBe('debian\nroot')
    const once = 'cat /var/lib/cloud/data/instance-id; stat -c %Y /var/lib/cloud/instance/sem/config_ssh'
    const before = await inside(once)
    expect(await lab.reops(['systems', 'reboot', 'd1', '--yes', '--wait', '--timeout', '15m'])).toMatchObject({
      code: 0,
    })
    say(phasesOf(await lab.system('d1')))
    expect(await inside(`cloud-init status --wait >/dev/null; ${once}`)).toBe(before)
    expect(await lab.reops(['systems', 'destroy', 'd1', '--yes', '--wait'])).toMatchObject({ code: 0 })
    expect(await lab.left()).toEqual([[], []])
  },
  2_400_000,
)
