'use strict'
// A fast guest's agent, and before it what cloud-init would do: the seed is read once per machine, then it is the agent.
const { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { spawn } = require('node:child_process')
const { homedir, userInfo } = require('node:os')
const { dirname, join } = require('node:path')

process.emitWarning = () => undefined
// init gives none.
process.env.HOME = userInfo().homedir
const seed = '/run/seed'
const doneFile = '/var/lib/re-ops/instance-id'
const say = line => writeFileSync('/dev/console', `re-ops: ${line}\r\n`)
const read = path => (existsSync(path) ? readFileSync(path, 'utf8') : '')

const write = (path, content, mode) => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, content, { mode })
  chmodSync(path, mode)
}

/** User-data, or the parts of it when there are several. */
const partsOf = text => {
  const boundary = /boundary="([^"]+)"/.exec(text.split('\n\n', 1)[0])?.[1]
  if (!boundary) return text.trim() === '' ? [] : [text]
  return text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map(part => part.slice(part.indexOf('\n\n') + 2))
}

/** Of cloud-config what is written as JSON: files, and who may log in. */
const configure = text => {
  const config = JSON.parse(text.slice(text.indexOf('\n')))
  for (const { path, content, permissions = '0644' } of config.write_files ?? [])
    write(path, content, parseInt(permissions, 8))
  const keys = config.ssh_authorized_keys ?? []
  if (keys.length > 0) write(join(homedir(), '.ssh/authorized_keys'), `${keys.join('\n')}\n`, 0o600)
}

const applied = part => {
  if (part.startsWith('#!')) {
    write('/var/lib/re-ops/user-script', part, 0o700)
    spawn('/var/lib/re-ops/user-script', { detached: true, stdio: 'ignore' }).unref()
    return
  }
  try {
    configure(part)
  } catch {
    say('user-data has a part that this image does not understand; allowed: cloud-config as JSON, and scripts')
  }
}

const id = /"instance-id":"([^"]*)"/.exec(read(`${seed}/meta-data`))?.[1] ?? ''
if (id !== '' && read(doneFile).trim() !== id) {
  for (const part of partsOf(read(`${seed}/user-data`))) applied(part)
  write(doneFile, `${id}\n`, 0o600)
}
process.env.REGENT_STATE ??= '/var/lib/re-gent'
// Seconds count, memory less: it enrols by itself.
process.env.REGENT_ASK ??= 'here'
// The network comes while we start; without it the agent would try, and try again a second later.
const networkMs = 10_000
const still = new Int32Array(new SharedArrayBuffer(4))
for (let ms = 0; !existsSync('/run/resolv.conf') && ms < networkMs; ms += 10) Atomics.wait(still, 0, 0, 10)
require(join(__dirname, 're-gent/main.cjs'))
