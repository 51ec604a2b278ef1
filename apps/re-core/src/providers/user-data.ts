import type { VmSpec } from '@re-ops/protocols'

/** Where the agent of an image looks for what it is told (deploy/systemd/re-gent.service). */
const configPath = '/var/lib/re-gent/config.json'

/** Once in its life: without its machine-id a clone takes a new one, on virtual machines from the UUID of the machine. */
const freshId = [
  'cloud-init-per',
  'instance',
  're-ops-machine-id',
  'sh',
  '-c',
  'rm -f /var/lib/dbus/machine-id; : >/etc/machine-id; systemd-machine-id-setup',
]

const cloudConfig = ({ callHome, sshKeys = [], isClone = false }: VmSpec): string => {
  const files = callHome === null ? [] : [{ path: configPath, permissions: '0600', content: JSON.stringify(callHome) }]
  // On a clone it may run already, by what the machine was that it is a clone of.
  const begin = isClone ? 'restart' : 'start'
  const config = {
    ...(isClone ? { bootcmd: [freshId] } : {}),
    ...(files.length > 0 ? { write_files: files, runcmd: [['systemctl', begin, 're-gent']] } : {}),
    ...(sshKeys.length > 0 ? { ssh_authorized_keys: sshKeys } : {}),
  }
  // JSON is YAML, and needs no care for what stands in a token or a label.
  return `#cloud-config\n${JSON.stringify(config)}\n`
}

/** What a part begins with, as cloud-init knows it. */
const types: readonly (readonly [RegExp, string])[] = [
  [/^#!/, 'text/x-shellscript'],
  [/^#include/, 'text/x-include-url'],
  [/^#cloud-boothook/, 'text/cloud-boothook'],
  [/^#part-handler/, 'text/part-handler'],
  [/^## template: jinja/, 'text/jinja2'],
]
const typeOf = (part: string): string => types.find(([begin]) => begin.test(part))?.[1] ?? 'text/cloud-config'
const isMime = (part: string): boolean => /^(Content-Type|MIME-Version):/i.test(part)

/** A line that stands in none of the parts. */
const boundaryFor = (parts: readonly string[]): string => {
  let boundary = 're-ops-part-of-user-data'
  while (parts.some(part => part.includes(boundary))) boundary += '-'
  return boundary
}

/** With headers of its own it is a message within ours, which cloud-init walks through. */
const partText = (part: string): string =>
  isMime(part)
    ? part
    : `Content-Type: ${typeOf(part)}; charset="utf-8"\nMerge-Type: list(append)+dict(recurse_array)+str()\n\n${part}`

/** cloud-init takes several parts; lists of the person's cloud-config are added to ours. */
const multipart = (parts: readonly string[]): string => {
  const boundary = boundaryFor(parts)
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n`,
    ...parts.map(part => `--${boundary}\n${partText(part)}`),
    `--${boundary}--\n`,
  ].join('\n')
}

/** What cloud-init is given: how to call home, who may log in, and what the person wrote. Null = nothing. */
export const userDataOf = (spec: VmSpec): string | null => {
  const { callHome, sshKeys = [], isClone = false, userData } = spec
  const own = callHome !== null || sshKeys.length > 0 || isClone ? cloudConfig(spec) : null
  if (userData === undefined) return own
  return own === null ? userData : multipart([own, userData])
}
