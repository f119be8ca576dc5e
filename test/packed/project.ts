import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A project of a user: a folder of its own, into which the packed packages were installed. */
export interface Project extends Disposable {
  readonly folder: string
  /** All that can be imported: `gatelet`, `gatelet/core`, `@gatelet/core`, … */
  readonly entries: readonly string[]
  /**
   * Compiles programs in TypeScript as strictly as it goes.
   * @param compiler default: the one of this workspace
   * @returns the complaints
   */
  compile(programs: Readonly<Record<string, string>>, compiler?: string): string
}

/**
 * Builds and packs packages, and installs the tarballs where nothing else is.
 * @param packages those, and all that they need of ours; default: every one
 */
export function userProject(packages: readonly string[] = readdirSync(join(root, 'packages'))): Project {
  const folder = mkdtempSync(join(tmpdir(), 'gatelet-user-'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const filters = packages.flatMap((name) => ['--filter', `./packages/${name}`])
  // Where the checks have built everything a moment ago, that is what users would get.
  if (process.env['GATELET_BUILT'] !== '1') run(pnpm, ['-r', ...filters, 'run', 'build'], root)
  for (const name of packages) run(pnpm, ['pack', '--out', join(folder, `${name}.tgz`)], join(root, 'packages', name))
  write('package.json', JSON.stringify({ name: 'user', private: true, type: 'module' }))
  run(
    ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline'],
    packages.map((name) => `./${name}.tgz`),
    folder,
  )
  // What every project in TypeScript has: the types of Node.
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))

  return {
    folder,
    entries: packages.flatMap((name) => entriesOf(join(folder, 'node_modules', name === 'gatelet' ? name : `@gatelet/${name}`))),
    compile(programs, compiler = join(root, 'node_modules/typescript/bin/tsc')) {
      for (const [name, text] of Object.entries(programs)) write(`${name}.ts`, text)
      const options = { strict: true, module: 'nodenext', target: 'es2022', types: ['node'], exactOptionalPropertyTypes: true }
      write(
        'tsconfig.json',
        JSON.stringify({ compilerOptions: options, files: Object.keys(programs).map((name) => `${name}.ts`) }),
      )
      return spawnSync(process.execPath, [compiler], { cwd: folder, encoding: 'utf8' }).stdout
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

const pnpm = ['npx', '-y', 'pnpm@10']

/** Runs a command as a user does. @throws Error with its output when it fails */
export function run([command = '', ...first]: readonly string[], args: readonly string[], cwd: string): void {
  // The condition of the sources, and whatever else a test runner sets, is not a user's.
  const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: '' }
  const { status, stdout, stderr } = spawnSync(command, [...first, ...args], { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${[...first, ...args].join(' ')} ended with ${status}\n${stdout}${stderr}`)
}

function entriesOf(home: string): string[] {
  const { name, exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { name: string; exports: object }
  return Object.keys(exports)
    .filter((path) => path !== './package.json')
    .map((path) => name + path.slice(1))
}
