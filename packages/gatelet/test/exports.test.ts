import { readFileSync } from 'node:fs'
import * as root from 'gatelet'
import * as auth from 'gatelet/auth'
import * as balancer from 'gatelet/balancer'
import * as cache from 'gatelet/cache'
import * as core from 'gatelet/core'
import * as express from 'gatelet/express'
import * as fetchHost from 'gatelet/fetch'
import * as koa from 'gatelet/koa'
import * as node from 'gatelet/node'
import * as proxy from 'gatelet/proxy'
import * as rateLimiter from 'gatelet/rate-limiter'
import * as router from 'gatelet/router'
import { expect, test } from 'vitest'

const parts = { auth, balancer, cache, core, express, fetch: fetchHost, koa, node, proxy, 'rate-limiter': rateLimiter, router }

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
  const { exports, dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const subpaths = Object.keys(dependencies).map((name) => name.replace('@gatelet/', './'))
  expect(Object.keys(exports).sort()).toEqual(['.', './package.json', ...subpaths].sort())
  for (const [name, part] of Object.entries(parts)) {
    const whole: object = await import(`@gatelet/${name}`)
    expect(Object.keys(part)).toEqual(Object.keys(whole))
  }
})

test('what the root gives is the same as in the parts', () => {
  const all: Record<string, unknown> = Object.assign({}, ...Object.values(parts))
  for (const [name, value] of Object.entries(root)) if (name !== 'createGateway') expect(value).toBe(all[name])
})
