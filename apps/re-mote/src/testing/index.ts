export * from './fake-agent.ts'
