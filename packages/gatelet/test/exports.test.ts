import { readFileSync } from 'node:fs'
import * as root from 'gatelet'
import { expect, test } from 'vitest'

const { exports, dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const names = Object.keys(dependencies).map((name) => name.replace('@gatelet/', ''))
const load = (specifier: string): Promise<object> => import(specifier)

test('the root has the names that most programs need, at most 25', () => {
  expect(Object.keys(root).length).toBeLessThanOrEqual(25)
  expect(Object.keys(root).sort()).toEqual([
    'GatewayError',
    'HeaderList',
    'attach',
    'auth',
    'cache',
    'chain',
    'createBalancer',
    'createGateway',
    'createRouter',
    'empty',
    'json',
    'jwt',
    'memoryCacheStore',
    'problem',
    'proxy',
    'rateLimit',
    'readiness',
    'scope',
    'serve',
    'stripPrefix',
    'text',
  ])
})

test('every part that the umbrella depends on has a subpath with all of its names', async () => {
  expect(Object.keys(exports).sort()).toEqual(['.', './package.json', ...names.map((name) => `./${name}`)].sort())
  for (const name of names) {
    const [part, whole] = [await load(`gatelet/${name}`), await load(`@gatelet/${name}`)]
    expect(Object.keys(part), name).toEqual(Object.keys(whole))
  }
})

test('what the root gives is the same as in the parts', async () => {
  const all: Record<string, unknown> = Object.assign({}, ...(await Promise.all(names.map((name) => load(`gatelet/${name}`)))))
  for (const [name, value] of Object.entries(root)) if (name !== 'createGateway') expect(value).toBe(all[name])
})
