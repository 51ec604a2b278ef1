export * from './fake-agent.ts'
export * from './mote.ts'
export * from './until.ts'
export * from './fleet.ts'
