import type { AnyOperation } from '@re-ops/pipelines'
import { networkInterfaces } from './interfaces.ts'
import { networkHttp, networkPort, networkResolve } from './reach.ts'
import { networkNeighbours, networkRoutes } from './routes.ts'
import { networkConnections, portList } from './sockets.ts'

export const networkOperations: readonly AnyOperation[] = [
  networkConnections,
  networkHttp,
  networkInterfaces,
  networkNeighbours,
  networkPort,
  networkResolve,
  networkRoutes,
  portList,
]
export {
  networkConnections,
  networkHttp,
  networkInterfaces,
  networkNeighbours,
  networkPort,
  networkResolve,
  networkRoutes,
  portList,
}
