/**
 * Real processes and sockets are shared by few workers: two cores is the machine the suites are planned for.
 * Heavy suites (they need docker, a browser, minutes) run when they are asked for: `npm run test:all`.
 */
const heavy = process.env.REOPS_HEAVY === '1'

export default {
  rootDir: '.',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{libs,apps,tools}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', ...(heavy ? [] : ['\\.heavy\\.test\\.ts$'])],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tools/test/strip-types.cjs' },
  modulePathIgnorePatterns: ['<rootDir>/.reops', '/dist/'],
  maxWorkers: 2,
  testTimeout: 90000,
}
