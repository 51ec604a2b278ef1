import { ConfigError } from '@re-ops/service'
import type { Config } from '../config.ts'

const knownFaults = ['ack-before-commit', 'no-journal', 'no-fence']

/** The seeded bugs of the proof kit, by name. Throws ConfigError. */
export const faultsOf = ({ faults = [], proofKit }: Config): ReadonlySet<string> => {
  if (faults.length > 0 && proofKit !== '1')
    throw new ConfigError(['REOPS_FAULTS is set: allowed only together with REOPS_PROOF_KIT=1'])
  const unknown = faults.find(fault => !knownFaults.includes(fault))
  if (unknown !== undefined)
    throw new ConfigError([`REOPS_FAULTS=${unknown}: must be one of ${knownFaults.join(', ')}`])
  return new Set(faults)
}
