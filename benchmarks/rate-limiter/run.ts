import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const benchmarks = fileURLToPath(new URL('..', import.meta.url))
run(fileURLToPath(new URL('../../node_modules/.bin/tsup', import.meta.url)), [
  '--config',
  'rate-limiter/tsup.config.ts',
  '--silent',
])
run(process.execPath, ['--expose-gc', 'dist/rate-limiter/decisions.js'])

function run(program: string, args: readonly string[]): void {
  // Neither how TypeScript is loaded nor where sources are is for them.
  const { NODE_OPTIONS: _, ...env } = process.env
  const { status } = spawnSync(program, args, { cwd: benchmarks, env, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
