/** Packs every package as it would be published, and looks at the tarballs the way a user's tools do. Expects a build. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Manifest {
  name: string
  exports: Record<string, unknown>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

const root = fileURLToPath(new URL('..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'gatelet-pack-'))
const modules = join(work, 'node_modules')
let failures = 0

function run(command: string, args: string[], cwd: string): void {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status === 0) return
  failures++
  console.error(`✗ ${command} ${args.join(' ')}\n${stdout}${stderr}${error ?? ''}`)
}

/** Packs one package and lays it out in a folder of modules as an installer would. */
function installed(folder: string): Manifest {
  const home = join(root, 'packages', folder)
  const tarball = join(work, `${folder}.tgz`)
  run('pnpm', ['pack', '--out', tarball], home)
  run('publint', ['run', tarball, '--strict'], work)
  run('attw', [tarball, '--profile', 'esm-only'], root)

  const { name } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest
  const target = join(modules, name)
  mkdirSync(target, { recursive: true })
  run('tar', ['xzf', tarball, '--strip-components=1', '-C', target], work)
  const manifest = JSON.parse(readFileSync(join(target, 'package.json'), 'utf8')) as Manifest
  for (const dependency of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) link(dependency, home)
  return manifest
}

/** Packages from elsewhere come from this workspace's own install, so that nothing is fetched. */
function link(name: string, home: string): void {
  const source = [home, root].map((base) => join(base, 'node_modules', name)).find((path) => existsSync(path))
  const target = join(modules, name)
  if (!source || existsSync(target) || name === 'gatelet' || name.startsWith('@gatelet/')) return
  mkdirSync(dirname(target), { recursive: true })
  symlinkSync(source, target)
}

/** Every published entry loads by `import` and, having no top-level await, by `require`. */
function loads({ name, exports }: Manifest): void {
  for (const path of Object.keys(exports).filter((path) => path !== './package.json')) {
    const specifier = JSON.stringify(name + path.slice(1))
    writeFileSync(join(work, 'load.mjs'), `await import(${specifier})`)
    writeFileSync(join(work, 'load.cjs'), `require(${specifier})`)
    run(process.execPath, ['load.mjs'], work)
    run(process.execPath, ['load.cjs'], work)
  }
}

const manifests = readdirSync(join(root, 'packages')).map(installed)
manifests.forEach(loads)
rmSync(work, { recursive: true })
console.log(`${manifests.length} packages packed and looked at, ${failures} complaints`)
process.exitCode = failures === 0 ? 0 : 1
