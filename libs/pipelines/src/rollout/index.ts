export * from './decide.ts'
export * from './plan.ts'
