import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, hostname, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { CallResult } from '@re-ops/protocols'
import { catalogue, checkOutput, operationNamed } from './index.ts'
import { natives } from './native.ts'
import { runHere, valueHere } from './testing.ts'

const run = async (name: string, input: unknown = {}): Promise<CallResult> => (await runHere(name, input)).result
const value = valueHere
const said = (program: string, ...args: string[]) => spawnSync(program, args, { encoding: 'utf8' }).stdout.trim()

type Disk = { mount: string; totalBytes: number; usedBytes: number }
type Facts = {
  kernel: string
  hostname: string
  arch: string
  os: { id: string }
  cpu: { count: number }
  memory: { totalBytes: number }
  disks: Disk[]
  addresses: string[]
  bootedAt: string
}
const memTotal = Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024
const rootSize = () => Number(said('df', '-P', '-k', '/').split('\n')[1]?.split(/\s+/)[1]) * 1024

describe('on this machine', () => {
  test('facts are the machine’s own', async () => {
    const facts = await value<Facts>('facts')
    expect(facts).toMatchObject({
      kernel: release(),
      hostname: hostname(),
      arch: said('uname', '-m'),
      cpu: { count: cpus().length },
      memory: { totalBytes: memTotal },
      os: { id: said('sh', '-c', '. /etc/os-release; echo "$ID"') },
    })
    expect(facts.disks.find(disk => disk.mount === '/')?.totalBytes).toBe(rootSize())
    expect(Date.parse(facts.bootedAt)).toBe(Number(/btime (\d+)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) * 1000)
    expect(facts.addresses).not.toContain('127.0.0.1')
  })

  test('disk, memory, load and uptime too', async () => {
    const { mounts } = await value<{ mounts: (Disk & { used: number })[] }>('disk')
    expect(mounts.find(one => one.mount === '/')?.totalBytes).toBe(rootSize())
    for (const { used } of mounts) expect(used >= 0 && used <= 1).toBe(true)
    expect(await value('memory')).toMatchObject({ totalBytes: memTotal })
    expect(await value('load')).toMatchObject({ cores: cpus().length })
    expect((await value<{ seconds: number }>('uptime')).seconds).toBeGreaterThan(0)
  })

  test('process.list finds this process, sorted, without its own script', async () => {
    type Process = { pid: number; ppid: number; memoryBytes: number; user: string; command: string }
    const all = await value<Process[]>('process.list', { by: 'memory' })
    expect(all.find(one => one.pid === process.pid)).toMatchObject({ ppid: process.ppid, user: said('id', '-un') })
    expect(all.map(one => one.memoryBytes)).toEqual(all.map(one => one.memoryBytes).sort((a, b) => b - a))
    expect(all.some(one => one.command.startsWith('cat /proc/'))).toBe(false)
    expect(await value<Process[]>('process.list', { top: 2 })).toHaveLength(2)
  })

  test('facts.custom: files and programs of a folder; what fails, is too long or not trusted is told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'reops-facts-'))
    const write = (name: string, text: string, mode: number) => {
      writeFileSync(join(folder, name), text)
      chmodSync(join(folder, name), mode)
    }
    try {
      write('site.json', '{"rack": 7}', 0o644)
      write('team.txt', 'tier=gold\nowner=ann\n', 0o644)
      write('gpus.sh', '#!/bin/sh\necho "[1,2]"', 0o755)
      write('bad.sh', '#!/bin/sh\nexit 3', 0o755)
      write('endless.sh', '#!/bin/sh\nyes', 0o755)
      write('open.txt', 'x', 0o666)
      expect(await value('facts.custom', { folder })).toEqual({
        site: { rack: 7 },
        team: { tier: 'gold', owner: 'ann' },
        gpus: [1, 2],
        errors: ['bad.sh ended with 3', 'endless.sh more than 65536 bytes', 'open.txt others may write it'],
      })
      expect(await value('facts.custom', { folder: join(folder, 'none') })).toEqual({})
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('ping answers, natively and by shell', async () => {
    expect(await value('ping')).toEqual({ pong: true })
    const ping = operationNamed('ping')
    const native = natives.get('ping')
    if (!ping || !native) throw new Error('no ping')
    expect(checkOutput(ping, await native({}, { signal: AbortSignal.timeout(60_000) }))).toMatchObject({ ok: true })
    for (const name of natives.keys()) expect(catalogue.find(one => one.name === name)?.native).toBe(true)
  })

  test('shell: argv, env, cwd and stdin', async () => {
    expect(
      await value('shell', { argv: ['sh', '-c', 'cat; pwd; echo $A'], stdin: 'in\n', cwd: '/usr', env: { A: 'b c' } }),
    ).toEqual({
      stdout: 'in\n/usr\nb c\n',
      stderr: '',
      code: 0,
      truncated: false,
    })
    expect(await value('shell', { script: 'cat', stdin: 'through' })).toMatchObject({ stdout: 'through' })
  })

  test('shell: a command of a script that reads its input does not eat the script', async () => {
    expect(await value('shell', { script: '# a comment\ncat\necho after' })).toMatchObject({ stdout: 'after\n' })
    expect(await value('shell', { script: '# nothing' })).toMatchObject({ code: 0 })
    expect(await value('shell', { script: 'cat <<X\nhere\nX' })).toMatchObject({ stdout: 'here\n' })
  })

  test('shell: an exit code that is not ok is a failure `exit` with code and stderr', async () => {
    expect(await run('shell', { script: 'echo a; echo "no such thing" >&2; exit 3' })).toEqual({
      ok: false,
      failure: {
        kind: 'exit',
        message: 'exit code 3: no such thing',
        step: 'shell',
        code: 3,
        stderrTail: 'no such thing\n',
      },
    })
    expect(await run('shell', { argv: ['false'], okCodes: [0, 1] })).toMatchObject({ ok: true, value: { code: 1 } })
  })
})
