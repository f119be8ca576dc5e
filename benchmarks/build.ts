import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Makes what the subjects are: plain JavaScript, and of Gatelet the `dist` that users install. A package that is newer than
 * its `dist` is built as `pnpm build` does it.
 * @throws Error when something does not build
 */
export function build(): void {
  for (const folder of gateletPackages()) {
    if (isStale(folder)) tsup(folder, ['--config', '../../tsup.config.ts'])
  }
  // Their dependencies are not bundled.
  tsup(join(root, 'benchmarks'), [
    '--no-config',
    'subjects/*.ts',
    'programs/*.ts',
    '--format',
    'esm',
    '--target',
    'node20',
    '--clean',
  ])
}

// The packages of ours that this one names, and so the subjects.
function gateletPackages(): string[] {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'benchmarks/package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@gatelet/'))
    .map((name) => join(root, 'packages', name.slice('@gatelet/'.length)))
}

function isStale(folder: string): boolean {
  const built = join(folder, 'dist/index.js')
  if (!existsSync(built)) return true
  const src = join(folder, 'src')
  const changed = readdirSync(src, { recursive: true, encoding: 'utf8' }).map((file) => statSync(join(src, file)).mtimeMs)
  return Math.max(...changed) > statSync(built).mtimeMs
}

function tsup(folder: string, args: readonly string[]): void {
  console.error(`building ${folder}`)
  const done = spawnSync(join(root, 'node_modules/.bin/tsup'), args, { cwd: folder, encoding: 'utf8' })
  if (done.status !== 0) throw new Error(`${folder} does not build:\n${done.stdout}${done.stderr}${done.error ?? ''}`)
}
