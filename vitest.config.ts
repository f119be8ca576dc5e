import { defineConfig, type ViteUserConfig } from 'vitest/config'

// Sources by default, so that nothing has to be built first; GATELET_DIST=1 runs the same tests on what users install.
const conditions = [...(process.env['GATELET_DIST'] === '1' ? [] : ['@gatelet/source']), 'node', 'development|production']
const tests = ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts', 'benchmarks/**/*.test.ts']
const heavy = ['**/*.heavy.test.ts']
// What users meet: contracts, adapters, the umbrella, examples, and all that goes over sockets from end to end.
const ofUsers = [
  ...['examples/**/*.test.ts', 'test/**/*.test.ts', 'packages/gatelet/test/**/*.test.ts', 'packages/testing/test/**/*.test.ts'],
  ...['packages/*/test/**/*adapter*.test.ts', 'packages/*/test/**/*contract*.test.ts'],
]
const never = ['**/node_modules/**', '**/dist/**']

const config: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 10_000,
    restoreMocks: true,
    coverage: { provider: 'v8', include: ['packages/*/src/**'], reporter: ['text', 'html'] },
    projects: [
      { extends: true, test: { name: 'unit', include: tests, exclude: [...heavy, ...never] } },
      { extends: true, test: { name: 'dist', include: ofUsers, exclude: [...heavy, ...never] } },
      { extends: true, test: { name: 'heavy', include: heavy, exclude: never, testTimeout: 300_000, fileParallelism: false } },
    ],
  },
})
export default config
