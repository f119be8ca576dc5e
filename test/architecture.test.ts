import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = readdirSync(join(root, 'packages'))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const nameOf = (folder: string) => (folder === 'gatelet' ? folder : `@gatelet/${folder}`)

/** Whom a package may import besides core. One that is not named here may import core alone. */
const mayImport: Record<string, readonly string[]> = {
  express: ['node'],
  koa: ['node'],
  testing: ['cache', 'rate-limiter'],
  // Whose interfaces of stores it implements.
  redis: ['rate-limiter', 'cache', 'auth', 'websocket'],
  gatelet: packages.filter((name) => name !== 'testing' && name !== 'gatelet'),
}

interface Import {
  readonly file: string
  readonly specifier: string
}

function importsOf(folder: string): Import[] {
  const src = join(root, 'packages', folder, 'src')
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  return files.flatMap((file) =>
    ts
      .preProcessFile(readFileSync(join(src, file), 'utf8'))
      .importedFiles.map(({ fileName }) => ({ file: join(src, file), specifier: fileName })),
  )
}

/** 'undici' of 'undici/lib/x.js', '@gatelet/core' of '@gatelet/core/x'. */
const packageOf = (specifier: string) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

function manifestOf(folder: string): { dependencies: string[]; peers: string[] } {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(read(`packages/${folder}/package.json`))
  return { dependencies: Object.keys(dependencies), peers: Object.keys(peerDependencies) }
}

describe.each(packages)('packages/%s', (folder) => {
  const imports = importsOf(folder)
  const others = new Set(
    imports
      .map(({ specifier }) => specifier)
      .filter((s) => !s.startsWith('.') && !isBuiltin(s))
      .map(packageOf),
  )
  const ours = [...others].filter((name) => name === 'gatelet' || name.startsWith('@gatelet/'))
  const { dependencies, peers } = manifestOf(folder)

  test('imports only the packages that it may', () => {
    const allowed = folder === 'core' ? [] : ['core', ...(mayImport[folder] ?? [])].map(nameOf)
    expect(ours.filter((name) => !allowed.includes(name))).toEqual([])
  })

  test('reaches other packages by name, never by path', () => {
    const home = join(root, 'packages', folder, 'src')
    const leaving = imports.filter(
      ({ file, specifier }) => specifier.startsWith('.') && !resolve(file, '..', specifier).startsWith(`${home}/`),
    )
    expect(leaving.map(({ file, specifier }) => `${relative(root, file)}: ${specifier}`)).toEqual([])
  })

  // A package whose code is still to be written has nothing to be held to.
  test.skipIf(imports.length === 0)('depends on what it imports and on nothing else', () => {
    expect([...others].filter((name) => !dependencies.includes(name) && !peers.includes(name))).toEqual([])
    expect(dependencies.filter((name) => !others.has(name))).toEqual([])
  })
})

test('every dependency from elsewhere has its reason in docs/dependencies.md, and no reason outlives its dependency', () => {
  const manifests = packages.map(manifestOf)
  const used = new Set(manifests.flatMap(({ dependencies, peers }) => [...dependencies, ...peers]))
  const foreign = [...used].filter((name) => !packages.map(nameOf).includes(name))
  const explained = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
  expect(explained.sort()).toEqual(foreign.sort())
})

test('every path that docs/architecture.md names exists', () => {
  const paths = [
    ...read('docs/architecture.md').matchAll(/`((?:packages|docs|examples|benchmarks|scripts|test|\.ci)\/[^`\s]*)`/g),
  ]
  expect(paths.length).toBeGreaterThan(0)
  expect(paths.map(([, path]) => path ?? '').filter((path) => !existsSync(join(root, path)))).toEqual([])
})
