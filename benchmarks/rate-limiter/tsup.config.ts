import { defineConfig } from 'tsup'

/** One plain file of the measurement and of Gatelet: what runs TypeScript as it is names every function that is made, which costs more than a decision. */
const config: ReturnType<typeof defineConfig> = defineConfig({
  entry: ['rate-limiter/decisions.ts'],
  outDir: 'dist/rate-limiter',
  format: 'esm',
  target: 'node20',
  platform: 'node',
  noExternal: [/^@gatelet\//, 'structured-headers', 'lru-cache', 'ipaddr.js'],
  esbuildOptions(options) {
    options.conditions = ['@gatelet/source']
  },
})
export default config
