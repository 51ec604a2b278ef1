/** Real processes and sockets are shared by few workers: two cores is the machine the suites are planned for. */
export default {
  rootDir: '.',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{libs,apps,tools}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tools/test/strip-types.cjs' },
  modulePathIgnorePatterns: ['<rootDir>/.reops', '/dist/'],
  maxWorkers: 2,
  testTimeout: 30000,
}
