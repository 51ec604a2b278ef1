import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import type { Change } from './change.ts'
import { runHere, valueHere } from './testing.ts'

const has = (...names: string[]) =>
  names.every(name => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${name}`]).status === 0)
const root = userInfo().uid === 0
const folder = mkdtempSync(join(tmpdir(), 'reops-changing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const change = (name: string, input: object) => valueHere<Change>(name, input)
const failure = async (name: string, input: object) => {
  const { result } = await runHere(name, input)
  return result.ok ? 'it is ok' : result.failure.message
}
/** A name of its own, so that two runs on one machine do not meet. */
const own = `reops-t${process.pid}`
const when = (condition: boolean) => (condition ? describe : describe.skip)

when(root && has('useradd', 'userdel', 'groupadd'))('users, as root with useradd', () => {
  test('made, changed, given a key, removed; each step says so once', async () => {
    try {
      for (const changed of [true, false])
        expect(await change('group.ensure', { name: `${own}g` })).toMatchObject({ changed })
      const user = { name: own, groups: [`${own}g`], shell: '/bin/sh', comment: "It's a test" }
      expect(await change('user.ensure', { ...user, dry: true })).toMatchObject({ wouldChange: true })
      for (const changed of [true, false]) expect(await change('user.ensure', user)).toMatchObject({ changed })
      type User = { name: string; groups: string[]; shell: string; password: string; home: string }
      const users = await valueHere<User[]>('user.list')
      const made = users.find(one => one.name === own)
      expect(made).toMatchObject({ groups: [`${own}g`], shell: '/bin/sh', password: 'locked', comment: "It's a test" })
      expect(await change('user.ensure', { ...user, shell: '/bin/false' })).toMatchObject({
        changes: [`shell of ${own} from /bin/sh to /bin/false`],
      })
      const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA test'
      for (const changed of [true, false])
        expect(await change('user.key', { user: own, key })).toMatchObject({ changed })
      const file = join(made?.home ?? '', '.ssh/authorized_keys')
      writeFileSync(file, `# ${key}\nfrom="10.0.0.0/8" ${key} other comment\nssh-ed25519 AAAAother\n`)
      expect(await change('user.key', { user: own, key })).toMatchObject({ changed: false })
      expect(await change('user.key', { user: own, key, state: 'absent' })).toMatchObject({ changed: true })
      expect(readFileSync(file, 'utf8')).toBe(`# ${key}\nssh-ed25519 AAAAother\n`)
    } finally {
      for (const changed of [true, false])
        expect(await change('user.remove', { name: own, removeHome: true })).toMatchObject({ changed })
      for (const changed of [true, false])
        expect(await change('group.remove', { name: `${own}g` })).toMatchObject({ changed })
    }
  }, 60_000)
})

when(has('crontab') && root)('cron, as root', () => {
  test('a job is found again by its name, in a crontab and in a file', async () => {
    const nobody = 'nobody'
    for (const where of ['crontab', 'cron.d'] as const) {
      const job = { name: own, user: nobody, where, schedule: '15 3 * * 1-5', command: 'echo \'a  b\' "$HOME" \\%' }
      try {
        expect(await change('cron.ensure', { ...job, dry: true })).toMatchObject({ wouldChange: true })
        for (const changed of [true, false]) expect(await change('cron.ensure', job)).toMatchObject({ changed })
        await change('cron.ensure', { ...job, schedule: '@daily' })
        type Entry = { name: string | null; schedule: string; command: string; user: string }
        const found = (await valueHere<Entry[]>('cron.list', { user: nobody })).filter(one => one.name === own)
        expect(found).toMatchObject([{ schedule: '@daily', command: job.command, user: nobody }])
      } finally {
        for (const changed of [true, false])
          expect(await change('cron.remove', { name: own, user: nobody, where })).toMatchObject({ changed })
      }
    }
  })
})

const mounts = root && spawnSync('unshare', ['-m', 'true']).status === 0
when(mounts)('mounts, where one may', () => {
  test('mounted and listed once; removed once', async () => {
    const fstab = join(folder, 'fstab')
    writeFileSync(fstab, '# keep\n/dev/x /x ext4 defaults 0 0\n')
    const input = { device: 'tmpfs', path: join(folder, 'a b'), fs: 'tmpfs', options: 'size=1m', fstab }
    try {
      for (const changed of [true, false]) expect(await change('mount.ensure', input)).toMatchObject({ changed })
      expect(readFileSync('/proc/mounts', 'utf8')).toContain(`${folder}/a\\040b tmpfs`)
      expect(await change('mount.ensure', { ...input, options: 'size=2m' })).toMatchObject({ changed: true })
      expect(readFileSync(fstab, 'utf8').split('\n')).toHaveLength(4)
    } finally {
      for (const changed of [true, false])
        expect(await change('mount.remove', { path: input.path, fstab })).toMatchObject({ changed })
    }
    expect(readFileSync(fstab, 'utf8')).toBe('# keep\n/dev/x /x ext4 defaults 0 0\n')
  })
})

when(has('git'))('git', () => {
  const git = (cwd: string, ...args: string[]) => {
    const done = spawnSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example', ...args], {
      cwd,
      encoding: 'utf8',
    })
    expect(done.stderr).not.toMatch(/^fatal/)
    return done.stdout.trim()
  }
  test('a clone follows its ref; what was changed by hand is not thrown away', async () => {
    const source = join(folder, 'source')
    git(folder, 'init', '-q', '-b', 'main', source)
    const commit = (text: string) => {
      writeFileSync(join(source, 'file'), text)
      git(source, 'add', '.')
      git(source, 'commit', '-q', '-m', text)
      return git(source, 'rev-parse', 'HEAD')
    }
    const one = commit('one')
    git(source, 'tag', '-a', 'v1', '-m', 'v1')
    const two = commit('two')
    const input = { url: `file://${source}`, path: join(folder, "a clone's") }
    const content = () => readFileSync(join(input.path, 'file'), 'utf8')
    expect(await change('git.clone', { ...input, ref: 'v1' })).toMatchObject({ changed: true, commit: one })
    expect(content()).toBe('one')
    for (const ref of ['v1', one, one.slice(0, 10)])
      expect(await change('git.clone', { ...input, ref })).toMatchObject({ changed: false, commit: one })
    expect(await change('git.clone', { ...input, ref: 'v1', dry: true })).toMatchObject({ wouldChange: false })
    expect(await change('git.clone', { ...input, dry: true })).toMatchObject({ wouldChange: true })
    expect(await change('git.clone', input)).toMatchObject({ changed: true, from: one, commit: two })
    const three = commit('three')
    writeFileSync(join(input.path, 'file'), 'by hand')
    expect(await valueHere('git.status', { path: input.path })).toMatchObject({
      clean: false,
      commit: two,
      branch: null,
    })
    expect(await failure('git.clone', input)).toMatch(/exit code 1/)
    expect(content()).toBe('by hand')
    expect(await change('git.clone', { ...input, force: true })).toMatchObject({ changed: true, commit: three })
    const shallow = { ...input, path: join(folder, 'shallow'), depth: 1, ref: 'main' }
    expect(await change('git.clone', shallow)).toMatchObject({ changed: true, commit: three })
    expect(git(shallow.path, 'rev-list', '--count', 'HEAD')).toBe('1')
    git(folder, 'clone', '-q', source, 'pulled')
    const four = commit('four')
    for (const changed of [true, false])
      expect(await change('git.pull', { path: join(folder, 'pulled') })).toMatchObject({ changed, commit: four })
  }, 60_000)
})

test('process.signal: by pattern, only those meant, never its own', async () => {
  const mark = `reops-signal-${process.pid}`
  // It waits without a child: one that is forked and not its command yet has the same command line.
  const waiting = ['-c', `read -r nothing # ${mark}`]
  const child = spawn('sh', waiting, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const ended = new Promise<NodeJS.Signals | null>(resolve => child.once('exit', (_code, signal) => resolve(signal)))
  const pattern = `read.*${mark}$`
  const dry = await change('process.signal', { pattern, dry: true })
  expect(dry).toMatchObject({
    changed: false,
    wouldChange: true,
    changes: [expect.stringMatching(`^TERM to ${child.pid} `)],
  })
  expect(await change('process.signal', { pattern, user: 'daemon' })).toMatchObject({ changed: false })
  const nodes = await valueHere<{ pid: number; ppid: number; depth: number }[]>('process.tree', { pid: process.pid })
  expect(nodes[0]).toMatchObject({ pid: process.pid, depth: 0 })
  expect(nodes.find(one => one.pid === child.pid)).toMatchObject({ ppid: process.pid, depth: 1 })
  expect(await change('process.signal', { pattern, signal: 'KILL' })).toMatchObject({ changed: true })
  expect(await ended).toBe('SIGKILL')
  expect((await change('process.signal', { pattern: '.', dry: true })).changes.join('\n')).not.toContain(
    ` ${process.pid} `,
  )
})

describe('what is only asked, or only said', () => {
  test('packages of this machine', async () => {
    if (!has('dpkg-query')) return expect((await runHere('package.list', {})).plan.argv).toEqual(['sh', '-s'])
    type List = { manager: string; packages: { name: string; version: string }[] }
    const { packages } = await valueHere<List>('package.list', { manager: 'apt' })
    const version = spawnSync('dpkg-query', ['-W', '-f', '${Version}', 'dpkg'], { encoding: 'utf8' }).stdout
    expect(packages.find(one => one.name === 'dpkg')).toMatchObject({ version })
    expect(
      await change('package.install', { names: ['dpkg', 'reops-no-such-package'], manager: 'apt', dry: true }),
    ).toMatchObject({
      changes: ['install reops-no-such-package'],
    })
    expect(await change('package.install', { names: ['dpkg'], manager: 'apt' })).toMatchObject({ changed: false })
    expect(await change('package.remove', { names: ['dpkg'], manager: 'apt', dry: true })).toMatchObject({
      changes: ['remove dpkg'],
    })
  })

  test('the name, ids and settings of this machine', async () => {
    const { hostname } = await valueHere<{ hostname: string }>('hostname.get')
    expect((await change('hostname.set', { name: hostname, dry: true })).changes).not.toContainEqual(
      expect.stringMatching(/^name /),
    )
    expect(await change('hostname.set', { name: 'reops-other', dry: true })).toMatchObject({ wouldChange: true })
    const { bootId } = await valueHere<{ bootId: string }>('host.id')
    expect(bootId).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
    const [setting] = await valueHere<{ value: string }[]>('sysctl.get', { keys: ['kernel.ostype'] })
    expect(setting).toEqual({ key: 'kernel.ostype', value: 'Linux' })
    expect(await change('sysctl.set', { key: 'kernel.ostype', value: 'Linux', persist: false })).toMatchObject({
      changed: false,
    })
    const dry = await change('sysctl.set', { key: 'kernel.ostype', value: 'Minix', dry: true })
    expect(dry.changes[0]).toBe('kernel.ostype from Linux to Minix')
    expect(existsSync('/etc/sysctl.d/60-re-ops.conf')).toBe(false)
    const { epochSeconds } = await valueHere<{ epochSeconds: number }>('time')
    expect(Math.abs(epochSeconds * 1000 - Date.now())).toBeLessThan(600_000)
  })

  test('disk.usage adds up; the biggest comes first', async () => {
    const path = mkdtempSync(join(folder, 'du-'))
    for (const [name, size] of [
      ['small', 1],
      ['big', 900_000],
    ] as const)
      writeFileSync(join(path, name), 'x'.repeat(size))
    type Usage = { totalBytes: number; entries: { path: string; bytes: number }[] }
    const { totalBytes, entries } = await valueHere<Usage>('disk.usage', { path, files: true })
    expect(entries[0]?.path).toBe(join(path, 'big'))
    expect(totalBytes).toBeGreaterThan(900_000)
  })
})
