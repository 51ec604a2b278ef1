import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeClient } from '@re-ops/client'
import { enrolmentsToken } from './init-keys.ts'

const tokenTtlMs = 3_600_000

/** `host-1:env=demo,role=web` */
const parseHost = (text: string): { name: string; labels: Record<string, string> } => {
  const match = /^([a-z0-9-]+)(?::((?:[A-Za-z]\w*=[^,=]*)(?:,[A-Za-z]\w*=[^,=]*)*))?$/.exec(text)
  if (!match) throw new Error(`${JSON.stringify(text)} is not a host; allowed: NAME or NAME:key=value,key=value`)
  const pairs = (match[2] ?? '').split(',').filter(pair => pair !== '')
  return {
    name: match[1] as string,
    labels: Object.fromEntries(pairs.map(pair => pair.split('=') as [string, string])),
  }
}

/** A token of one use for each host, in the folder that the host is given. Hosts that have enrolled do not look at it. */
export const writeJoinTokens = async (
  folder: string,
  hosts: readonly string[],
  url: string | undefined,
): Promise<void> => {
  if (!url) throw new Error('REOPS_MOTE_URL is not set; needed: http://host:port of re-mote')
  const { mote } = makeClient({ moteUrl: url, token: await enrolmentsToken(folder) })
  for (const { name, labels } of hosts.map(parseHost)) {
    const { token } = await mote.createEnrolment({ name, labels, uses: 1, ttlMs: tokenTtlMs })
    if (token === undefined) throw new Error(`re-mote gave no token for ${name}`)
    const file = join(folder, name, 'token')
    await writeFile(`${file}.new`, token, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }
}
