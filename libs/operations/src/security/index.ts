import type { AnyOperation } from '@re-ops/pipelines'
import { certificateFile, certificateFind, certificateRemote } from './certificate.ts'
import { firewallRules, firewallState } from './firewall.ts'
import { loginFailures, sessionList } from './session.ts'
import { securityVulnerabilities } from './vulnerabilities.ts'

export const securityOperations: readonly AnyOperation[] = [
  certificateFile,
  certificateFind,
  certificateRemote,
  firewallRules,
  firewallState,
  loginFailures,
  securityVulnerabilities,
  sessionList,
]
export {
  certificateFile,
  certificateFind,
  certificateRemote,
  firewallRules,
  firewallState,
  loginFailures,
  securityVulnerabilities,
  sessionList,
}
