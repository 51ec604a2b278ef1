/** The agent as a part of another program: what the simulator runs thousands of. */
export { runAgent, type AgentDeps, type Embedding } from './agent.ts'
export { catalogue } from './catalogue.ts'
export { readConfig, type Config } from './config.ts'
export { dial, type Dial, type Wire } from './dial.ts'
export { type Catalogue } from './execute.ts'
export { AgentExit, exitCodes } from './exit.ts'
export { type JournalRecord } from './journal.ts'
export { makeLog, logLevels, type Log, type LogLevel } from './log.ts'
