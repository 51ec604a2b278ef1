import type { GetConsoleOutputRequest, GetConsoleOutputResult } from '@aws-sdk/client-ec2'
import { machineOf } from './instances.ts'
import { refuse } from './refusal.ts'
import type { Ec2State } from './state.ts'

/** Types whose console can be read at once; of others EC2 keeps what it took some minutes after a start. */
const isNitro = (size: string): boolean => !/^(t2|m4|c4|r4)\./.test(size)

/** What a machine that has booted says, down to its prompt; before that nothing. */
export const getConsoleOutput = (state: Ec2State, input: GetConsoleOutputRequest): GetConsoleOutputResult => {
  const machine = machineOf(state, input.InstanceId ?? '')
  if (input.Latest === true && !isNitro(machine.size))
    refuse('UnsupportedOperation', 'The latest console output is not supported for this instance type')
  const name = `ip-${machine.privateIp.replaceAll('.', '-')}`
  const said = `[    0.000000] Linux version 6.1.0 (${machine.image})\r\n\r\n${name} login: `
  return {
    InstanceId: machine.id,
    Timestamp: new Date(state.clock.now()),
    ...(machine.state === 'pending' ? {} : { Output: Buffer.from(said).toString('base64') }),
  }
}
