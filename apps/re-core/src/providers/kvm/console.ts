import type { Duplex } from 'node:stream'
import { isLibvirtError, type Domain, type Libvirt } from '@re-ops/node-libvirt'
import { ProviderError, type MachineConsole } from '@re-ops/protocols'
import { domainOf } from './observe.ts'
import { within } from './start.ts'

const inUse = /active console session/i

const streamOf = async (libvirt: Libvirt, dom: Domain, force: boolean, signal: AbortSignal): Promise<Duplex> => {
  try {
    return await libvirt.domains.console(dom, { force, ...within(signal) })
  } catch (error) {
    if (!isLibvirtError(error, 'operation-failed') || !inUse.test(error.message)) throw error
    throw new ProviderError('busy', 'not-applied', `the console of ${dom.name} is open elsewhere; force takes it`)
  }
}

/** The serial console of a machine that runs; one has it at a time. */
export const openConsole = async (
  libvirt: Libvirt,
  ref: string,
  force: boolean,
  signal: AbortSignal,
): Promise<MachineConsole> => {
  const dom = await domainOf(libvirt, ref, signal)
  if (dom === null) throw new ProviderError('not-found', 'not-applied', `libvirt has no machine ${ref}`)
  const stream = await streamOf(libvirt, dom, force, signal)
  // Told to who reads; an error that comes when nobody does is no event of the process.
  stream.on('error', () => undefined)
  return {
    output: stream,
    write: bytes => new Promise((resolve, reject) => stream.write(bytes, error => (error ? reject(error) : resolve()))),
    close: () => void stream.destroy(),
  }
}
