/** Tests run as the ES modules that they are; swc only takes the types away. */
const typescript = {
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } }],
  },
  extensionsToTreatAsEsm: ['.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/\\.data/'],
  modulePathIgnorePatterns: ['/\\.data/'],
};

/** All folders with tests but those that talk to a stack that runs. */
const packages =
  'service-kit,db,resources,catalogue,catalog-service,tagging-service,gateway,tools,testing,verification,scripts';

/** What promises times has the machine to itself: `npm test` runs it after everything else. */
const timed = [
  '<rootDir>/catalog-service/src/database-faults.test.ts',
  '<rootDir>/scripts/database-restart.test.ts',
  '<rootDir>/scripts/resilience.test.ts',
  '<rootDir>/scripts/rolling-restart.test.ts',
];

export default {
  maxWorkers: 2,
  testTimeout: 120_000,
  projects: [
    {
      ...typescript,
      displayName: 'packages',
      testMatch: [`<rootDir>/{${packages}}/**/*.test.ts`],
      testPathIgnorePatterns: [...typescript.testPathIgnorePatterns, ...timed],
      globalSetup: '<rootDir>/testing/src/start-database.ts',
      globalTeardown: '<rootDir>/testing/src/stop-database.ts',
    },
    {
      ...typescript,
      displayName: 'e2e',
      testMatch: ['<rootDir>/e2e/src/**/*.test.ts'],
      globalSetup: '<rootDir>/e2e/src/start-stack.ts',
      globalTeardown: '<rootDir>/e2e/src/stop-stack.ts',
    },
    {
      ...typescript,
      displayName: 'faults',
      testMatch: timed,
      globalSetup: '<rootDir>/testing/src/start-database.ts',
      globalTeardown: '<rootDir>/testing/src/stop-database.ts',
    },
    {
      // Only by `npm run test:compose`, which has started what it talks to.
      ...typescript,
      displayName: 'compose',
      testMatch: ['<rootDir>/e2e/compose/**/*.test.ts'],
    },
  ],
};
