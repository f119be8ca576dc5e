import { readFileSync } from 'node:fs'
import { defineConfig } from 'tsup'

// Runs in the folder of the package that is built: what is published is what its `exports` list as sources.
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | Record<string, string>>
}
const sources = Object.values(exports).flatMap((target) => (typeof target === 'object' && target['@gatelet/source']) || [])

const config: ReturnType<typeof defineConfig> = defineConfig({
  // './src/express.ts' becomes 'dist/express.js'.
  entry: Object.fromEntries(sources.map((source) => [source.replace(/^\.\/src\//, '').replace(/\.ts$/, ''), source])),
  format: 'esm',
  target: 'node20',
  platform: 'node',
  // Some modules of Node exist by that name only: `node:test`.
  removeNodeProtocol: false,
  tsconfig: '../../tsconfig.json',
  dts: true,
  sourcemap: true,
  clean: true,
})
export default config
