import { wireLimits } from '@re-ops/protocols'
import { capability, context, Router } from 'zeromq'
import { brokerLimits } from './limits.ts'

const keepAliveS = wireLimits.heartbeatMs / 1000

/**
 * The ROUTER as it must be. `zapDomain` with `zapEnforceDomain` fails closed: without an authenticator nobody gets in. `handover`
 * stays off, else a second connection with the same routing id receives the first one's calls. `mandatory` tells us of agents that
 * are gone instead of dropping silently. Connections whose host has vanished are found by the kernel (TCP keep-alive), not by libzmq's heartbeats:
 * each of those ends with a walk through the timers of all connections, which at 5,000 agents is a third of a processor for ever. Whether an agent
 * lives is told by its own heartbeats, and that is what sessions end by.
 */
export const makeRouter = (curve: { secretKey: string }): Router => {
  if (capability.curve !== true) throw new Error('this libzmq has no CURVE; re-mote does not run without encryption')
  context.blocky = false
  context.maxSockets = Math.min(context.maxSocketsLimit, 65_535)
  return new Router({
    curveServer: true,
    curveSecretKey: curve.secretKey,
    zapDomain: 're-ops',
    zapEnforceDomain: true,
    handover: false,
    mandatory: true,
    sendTimeout: 0,
    linger: 0,
    sendHighWaterMark: brokerLimits.peerHighWaterMark,
    receiveHighWaterMark: brokerLimits.peerHighWaterMark,
    maxMessageSize: wireLimits.messageBytesMax,
    backlog: brokerLimits.backlog,
    handshakeInterval: brokerLimits.handshakeIntervalMs,
    tcpKeepalive: 1,
    tcpKeepaliveIdle: keepAliveS,
    tcpKeepaliveInterval: keepAliveS,
    tcpKeepaliveCount: wireLimits.heartbeatsMissedMax,
    tcpMaxRetransmitTimeout: wireLimits.heartbeatMs * wireLimits.heartbeatsMissedMax,
  })
}
