import { ProviderError, type MachineConsole } from '@re-ops/protocols'
import { reading, type Ec2Call } from './client.ts'

/** The last of what it wrote: at once where the hardware can (Nitro), else as EC2 took it some minutes after its start. */
const lastOutput = async (call: Ec2Call, InstanceId: string, signal: AbortSignal): Promise<string> => {
  const ask = (Latest: boolean) =>
    call(reading, signal, (client, options) => client.getConsoleOutput({ InstanceId, Latest }, options))
  try {
    return (await ask(true)).Output ?? ''
  } catch (error) {
    if (!(error instanceof ProviderError) || error.kind !== 'unsupported') throw error
    return (await ask(false)).Output ?? ''
  }
}

/** What EC2 keeps of a machine's console, at most 64 KB; nothing can be typed. */
export const openConsole = async (call: Ec2Call, ref: string, signal: AbortSignal): Promise<MachineConsole> => {
  const output = Buffer.from(await lastOutput(call, ref, signal), 'base64')
  return {
    output: (async function* () {
      if (output.length > 0) yield output
    })(),
    close: () => undefined,
  }
}
