import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isClientError, type Client } from '@re-ops/client'

const labels = { this: 'true', role: 'control' }
const enrolmentTtlMs = 3_600_000

/** This machine's name as a host may be called: other characters become dashes. */
export const hostNameOf = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 63) || 'this'

export const agentFolder = (state: string): string => join(state, 'hosts', 'this')

/** The host id the folder holds, or null. */
const enrolledAs = (folder: string): string | null => {
  try {
    const { host } = JSON.parse(readFileSync(join(folder, 'identity.json'), 'utf8')) as { host?: unknown }
    return typeof host === 'string' ? host : null
  } catch {
    return null // not enrolled yet
  }
}

/** Whether re-mote still knows the host; a folder that outlived its database, or was revoked, enrols anew. */
const isKnown = async ({ mote }: Client, host: string): Promise<boolean> => {
  try {
    return (await mote.host(host)).state !== 'revoked'
  } catch (error) {
    if (isClientError(error) && error.status === 404) return false
    throw error
  }
}

/**
 * Makes the folder of this machine's agent ready: where re-mote is and, when it is not enrolled, a token for one use.
 * Answers whether it enrols now.
 */
export const prepareAgent = async (client: Client, state: string, moteUrl: string): Promise<boolean> => {
  const folder = agentFolder(state)
  const host = enrolledAs(folder)
  const known = host !== null && (await isKnown(client, host))
  if (host !== null && !known) rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const name = hostNameOf(hostname())
  const token = known
    ? {}
    : { token: (await client.mote.createEnrolment({ name, labels, uses: 1, ttlMs: enrolmentTtlMs })).token }
  const config = { url: moteUrl, name, labels, ...token }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config), { mode: 0o600 })
  return !known
}
