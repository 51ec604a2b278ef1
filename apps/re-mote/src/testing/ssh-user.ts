import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSshd, whyNoSshd, type TestSshd } from './sshd.ts'

const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Why there can be no user of a test's own here, or null. */
export const whyNoSshUser = (): string | null =>
  whyNoSshd() ??
  (process.getuid?.() === 0 ? null : 'not root') ??
  (has('sudo') && has('useradd') ? null : 'there is no sudo or useradd')

/** A user of this machine with a password, who may use sudo and log in at an sshd of its own. */
export type TestSshUser = {
  readonly name: string
  readonly sshd: TestSshd
  /** What sudo lets it do from now on, as sudoers says it, for example `ALL` or `NOPASSWD: ALL`. */
  may(rule: string): void
  /** Ends the sshd; the user is gone. */
  remove(): Promise<void>
}

/** Throws when the machine has no such user made; `name` is its own in the whole machine. */
export const addSshUser = async (name: string, password: string): Promise<TestSshUser> => {
  const sudoers = `/etc/sudoers.d/${name}`
  const open = mkdtempSync(join(tmpdir(), 'reops-open-'))
  chmodSync(open, 0o755)
  for (const [command, args, input] of [
    ['useradd', ['-M', '-s', '/bin/sh', name], ''],
    ['chpasswd', [], `${name}:${password}\n`],
  ] as const) {
    const { status, stderr } = spawnSync(command, args, { input, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command}: ${stderr}`)
  }
  // Where the user may read them.
  const keys = join(open, 'authorized_keys')
  const sshd = await startSshd({ config: [`AuthorizedKeysFile ${keys}`, 'PasswordAuthentication yes'] })
  copyFileSync(join(sshd.folder, 'authorized_keys'), keys)
  chmodSync(keys, 0o644)
  return {
    name,
    sshd,
    may: rule => {
      writeFileSync(sudoers, `${name} ALL=(ALL) ${rule}\n`)
      chmodSync(sudoers, 0o440)
    },
    remove: async () => {
      await sshd.stop()
      rmSync(sudoers, { force: true })
      rmSync(open, { recursive: true, force: true })
      spawnSync('userdel', ['-f', name])
    },
  }
}
