import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, test } from '@jest/globals'
import { operationNamed, planShell } from './index.ts'
import { runHere, valueHere } from './testing.ts'

const works = (...argv: string[]) => spawnSync(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' }).status === 0
const suiteIf = (can: boolean) => (can ? describe : describe.skip)

const folder = mkdtempSync(join(tmpdir(), 'reops-programs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

suiteIf(works('openssl', 'version'))('certificates, with openssl', () => {
  const key = join(folder, 'site.key')
  const path = join(folder, 'site.pem')
  const names = 'subjectAltName=DNS:www.example.org,IP:192.0.2.7'
  const make = () =>
    spawnSync(
      'openssl',
      `req -x509 -newkey rsa:2048 -nodes -keyout ${key} -out ${path} -days 30 -subj /CN=www.example.org -addext ${names}`.split(
        ' ',
      ),
    )

  test('of a file, of a folder and of a server are the same', async () => {
    make()
    const server = createServer({ key: readFileSync(key), cert: readFileSync(path) }, (socket: TLSSocket) =>
      socket.end(),
    )
    server.on('tlsClientError', () => undefined)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    try {
      const { days, ...file } = await valueHere<{ days: number }>('certificate.file', { path })
      expect(file).toMatchObject({
        subject: 'CN=www.example.org',
        issuer: 'CN=www.example.org',
        names: ['DNS:www.example.org', 'IP Address:192.0.2.7'],
      })
      expect([29, 30]).toContain(days)
      expect(await valueHere('certificate.find', { folder })).toMatchObject([{ ...file, path }])
      const { port } = server.address() as AddressInfo
      const remote = await valueHere('certificate.remote', { host: '127.0.0.1', port, serverName: 'www.example.org' })
      expect(remote).toMatchObject({ ...file, trusted: false, protocol: 'TLSv1.3' })
    } finally {
      server.close()
    }
    const { result } = await runHere('certificate.file', { path: key })
    expect(result).toMatchObject({ ok: false, failure: { message: expect.stringContaining('no certificate in') } })
  })
})

suiteIf(works('restic', 'version'))('backups, with restic', () => {
  const source = join(folder, 'source')
  const target = join(folder, 'restored')
  const passwordFile = join(folder, 'password')
  const shared = { repository: join(folder, 'repository'), passwordFile }

  test('what is backed up comes back, and what is forgotten is gone', async () => {
    mkdirSync(source)
    writeFileSync(passwordFile, 'a password\n')
    writeFileSync(join(source, `it's`), 'one')
    expect(await valueHere('restic.init', shared)).toEqual({ changed: true })
    expect(await valueHere('restic.init', shared)).toEqual({ changed: false })
    const backup = { ...shared, paths: [source], tags: ['t'] }
    expect(await valueHere('restic.backup', { ...backup, dry: true })).toMatchObject({ wouldChange: true })
    expect(await valueHere('restic.snapshots', shared)).toEqual([])
    const first = await valueHere<{ snapshot: string }>('restic.backup', backup)
    expect(first).toMatchObject({ changed: true, complete: true, filesNew: 1 })
    writeFileSync(join(source, `it's`), 'two')
    const second = await valueHere<{ snapshot: string }>('restic.backup', backup)
    expect(await valueHere('restic.check', shared)).toEqual({ sound: true })
    expect(await valueHere('restic.stats', { ...shared, snapshot: second.snapshot })).toMatchObject({ bytes: 3 })
    await valueHere('restic.restore', { ...shared, target, snapshot: first.snapshot })
    expect(readFileSync(join(target, source, `it's`), 'utf8')).toBe('one')
    const forget = { ...shared, keep: { last: 1 } }
    const dry = await valueHere('restic.forget', { ...forget, dry: true })
    expect(dry).toMatchObject({ changed: false, wouldChange: true, removed: [{ id: first.snapshot }] })
    expect(await valueHere('restic.forget', { ...forget, prune: true })).toMatchObject({ changed: true, kept: 1 })
    expect(await valueHere('restic.snapshots', { ...shared, tags: ['t'] })).toMatchObject([{ id: second.snapshot }])
  })

  test('another password is a failure with restic’s words, and no password is in it', async () => {
    writeFileSync(join(folder, 'other'), 'not the one')
    const { result } = await runHere('restic.snapshots', { ...shared, passwordFile: join(folder, 'other') })
    expect(result).toMatchObject({ ok: false, failure: { message: expect.stringContaining('wrong password') } })
    expect(JSON.stringify(result)).not.toContain('not the one')
  })
})

suiteIf(works('docker', 'info') && works('busybox'))('containers, with docker', () => {
  const name = `reops-test-${process.pid}`
  const image = `reops-test:${process.pid}`
  afterAll(() => {
    spawnSync('docker', ['rm', '-f', name])
    spawnSync('docker', ['rmi', '-f', image])
  })

  test('one is made once, replaced when it differs, stopped and removed', async () => {
    const root = join(folder, 'root')
    mkdirSync(join(root, 'bin'), { recursive: true })
    spawnSync('sh', ['-c', 'cp "$(command -v busybox)" "$1/bin/" && ln -s busybox "$1/bin/sh"', 'sh', root])
    spawnSync('sh', ['-c', 'tar -C "$1" -c . | docker import - "$2"', 'sh', root, image])
    const wanted = {
      name,
      image,
      network: 'none',
      command: ['sh', '-c', 'echo "$1" >&2; busybox sleep 600', 'sh', `it's`],
    }
    expect(await valueHere('docker.run', { ...wanted, dry: true })).toMatchObject({
      wouldChange: true,
      action: 'created',
    })
    expect(await valueHere('docker.run', wanted)).toMatchObject({ changed: true, action: 'created' })
    expect(await valueHere('docker.run', wanted)).toMatchObject({ changed: false, action: 'none' })
    expect(await valueHere('docker.containers', {})).toEqual(
      expect.arrayContaining([expect.objectContaining({ name, image, state: 'running' })]),
    )
    expect(await valueHere('docker.logs', { name })).toMatchObject([{ stream: 'stderr', text: `it's` }])
    expect(await valueHere('docker.stats')).toEqual(expect.arrayContaining([expect.objectContaining({ name })]))
    const other = { ...wanted, env: { A: '1' } }
    expect(await valueHere('docker.run', other)).toMatchObject({ action: 'replaced' })
    expect(await valueHere('docker.stop', { name, graceSeconds: 0 })).toMatchObject({ action: 'stopped' })
    expect(await valueHere('docker.run', other)).toMatchObject({ action: 'started' })
    expect(await valueHere('docker.stop', { name, remove: true, graceSeconds: 0 })).toMatchObject({ action: 'removed' })
    expect(await valueHere('docker.stop', { name, remove: true })).toMatchObject({ action: 'none' })
    expect(await valueHere('docker.images')).toEqual(
      expect.arrayContaining([expect.objectContaining({ repository: 'reops-test', tag: String(process.pid) })]),
    )
  })
})

const namespace = ['unshare', '--user', '--map-root-user', '--net', '--pid', '--fork', '--mount-proc', '--kill-child']
suiteIf(works(...namespace, 'true'))('in a namespace of its own', () => {
  test('host.reboot ends it: the call answers first', async () => {
    const operation = operationNamed('host.reboot')
    if (!operation) throw new Error('no host.reboot')
    const plan = planShell(operation, { delaySeconds: 1 })
    // The first process of a process namespace stands for the machine: a reboot ends it with SIGHUP (reboot(2)). It has no right
    // to reboot anything else.
    const machine = spawn('unshare', [...namespace.slice(1), 'sh', '-c', '"$@"; sleep 60', 'sh', ...plan.argv])
    let stdout = ''
    machine.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    machine.stdin.end(plan.stdin ?? '')
    const [code, signal] = await new Promise<[number | null, string | null]>(resolve =>
      machine.on('exit', (status, by) => resolve([status, by])),
    )
    expect(stdout).toContain(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
    expect(signal === 'SIGHUP' || code === 129).toBe(true)
  })

  const inside = (script: string) =>
    spawnSync('unshare', [...namespace.slice(1), 'sh', '-c', script], { encoding: 'utf8' })
  const firewall = operationNamed('firewall.state')
  const canFilter = inside('PATH=$PATH:/usr/sbin nft add table inet t').status === 0
  ;(canFilter ? test : test.skip)('firewall.state and firewall.rules read what nft was told', () => {
    const rules = operationNamed('firewall.rules')
    if (!firewall || !rules) throw new Error('no firewall operations')
    const plan = planShell(rules, {})
    const told = `PATH=$PATH:/usr/sbin
nft add table inet t; nft add chain inet t in '{ type filter hook input priority 0; policy drop; }'
nft add rule inet t in tcp dport 22 counter accept`
    const stdout = inside(`${told}\n${plan.stdin ?? ''}`).stdout
    const left = { stdout, stderr: '', code: 0, truncated: false }
    expect(firewall.shell?.parse(left, {})).toMatchObject({ active: 'nft', rules: 1, input: 'drop' })
    expect(rules.shell?.parse(left, {})).toMatchObject({
      total: 1,
      rules: [{ table: 'inet t', chain: 'in', rule: 'tcp dport 22 counter accept', packets: 0 }],
    })
  })
})
