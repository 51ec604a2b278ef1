export { startPrivateDaemon, type PrivateDaemon } from './private-daemon.ts'
