import { auth, jwt } from '@gatelet/auth'
import { chain } from '@gatelet/core'
import { createRouter } from '@gatelet/router'
import { seededRandom } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pair, token } from '../../packages/auth/test/issuer.ts'
import { fronts, node } from '../attack/support/fronts.ts'
import { message } from '../attack/support/room.ts'
import { targets as anyTargets } from '../attack/support/targets.ts'
import { type Echo, type Echoing, echoing } from './support/echoing.ts'

// Router, auth, cache and upstream read the same path: who gets an answer from the store gets the one that the upstream would have
// given, and nobody gets one that a guard stands before.

const issuer = 'https://id.example.com/'
const key = await pair('k1')
const verifier = jwt({ issuer, audience: 'api', algorithms: ['ES256'], keys: [key.jwk] })
const credential = `Authorization: Bearer ${await token(key, issuer)}`

const pieces = [
  ...[
    '',
    '/',
    '//',
    '/.',
    '/./',
    '/..',
    '/../',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2e%2e',
    '/%2e/',
    '/%2e%2e/',
    '%2f',
    '%2F',
    '/%2f',
    '%2f..%2f',
  ],
  ...[
    '\\',
    '%5c',
    '\\..\\',
    ';',
    ';x',
    '/;/',
    '/..;/',
    '%3b',
    '..%3b/',
    '%00',
    '%0a',
    '%20',
    '%61',
    '%41',
    'A',
    '%7e',
    '~',
    '%25',
    '%252e',
    '%252f',
    '%',
    '%zz',
  ],
  ...[
    '?',
    '%3f',
    '#',
    '%23',
    ':',
    '@',
    '*',
    '+',
    '%2b',
    '&',
    '=',
    '%c3%a9',
    '%C3%A9',
    '%c0%af',
    '|',
    '"',
    '.css',
    '%2ecss',
    ';.css',
    '/x.css',
  ],
]
const places: readonly ((piece: string) => string)[] = [
  (piece) => `/${piece}admin`,
  (piece) => `/admin${piece}`,
  (piece) => `/ad${piece}min`,
  (piece) => `/admin/${piece}`,
  (piece) => `/a${piece}b`,
  (piece) => `/a/${piece}admin`,
  (piece) => `/a?q=${piece}`,
]
const written = [
  ...new Set(places.flatMap((place) => pieces.map((piece) => place(piece)))),
  '/ADMIN',
  '/Admin/',
  '/a/',
  '/A',
  '/a',
  '/a?',
  '/a?q=1&p=2',
  '/a?p=2&q=1',
]
const drawn = fc.sample(anyTargets, { numRuns: process.env['HEAVY_SHORT'] === '1' ? 100 : 2_000, seed: 9111 })
const all = [...new Set([...written, ...drawn])]

const get = (target: string, fields: readonly string[] = []) => message(`GET ${target}`, fields)
const read = (text: string | undefined) => JSON.parse(text ?? '{}') as Echo

/** What the upstream is asked for each target, or nothing where it is refused. */
async function seenOf(at: Echoing, targets: readonly string[], fields: readonly string[] = []): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = []
  for (let from = 0; from < targets.length; from += 16) {
    const some = await Promise.all(targets.slice(from, from + 16).map((target) => at.ask(get(target, fields))))
    found.push(...some.map((reply) => (reply?.status === 200 ? read(reply.text).target : undefined)))
  }
  return found
}

describe.each(fronts)('behind $name', (front) => {
  test(`of ${all.length} targets, each gets from the store what the upstream would have said`, async () => {
    await using bare = await echoing({ front, cache: false })
    await using cached = await echoing({ front })
    const random = seededRandom(7)
    const order = [...all, ...all].toSorted(() => random() - 0.5)
    const [expected, found] = [await seenOf(bare, order), await seenOf(cached, order)]
    // In front of a framework the cache refuses what two readers could read differently; what it gives is what would have come.
    const differing = order.flatMap((target, at) =>
      found[at] !== undefined && found[at] !== expected[at] ? [[target, found[at], expected[at]]] : [],
    )
    expect(differing).toEqual([])
    // Most are not refused, and of what is not refused each is asked for once.
    const distinct = new Set(found.filter((target) => target !== undefined))
    expect(distinct.size).toBeGreaterThan(all.length / 5)
    expect(cached.hits).toBe(distinct.size)
  })
})

test(`of ${all.length} targets, none shows what is guarded to who is nobody, whoever asked before`, async () => {
  await using at = await echoing({
    front: node,
    cache: {},
    reflect: (seen) => ({ headers: { 'cache-control': 'public, max-age=600' }, body: JSON.stringify(seen) }),
    layers: (cached) => {
      const admins = chain()
        .use(auth(verifier))
        .to(cached as never)
      return createRouter()
        .any('/admin', admins)
        .any('/admin/*', admins)
        .any('/*', cached as never)
    },
  })
  // Who may see it has seen it all: it is stored.
  const first = await seenOf(at, all, [credential])
  const guarded = /^\/admin(?:\/|\?|$)/
  expect(first.filter((target) => target !== undefined && guarded.test(target)).length).toBeGreaterThan(10)
  const second = await seenOf(at, all)
  expect(second.filter((target) => target !== undefined && guarded.test(target))).toEqual([])
  // And what is not guarded is the same for both.
  expect(second.flatMap((target, index) => (target !== undefined && target !== first[index] ? [all[index]] : []))).toEqual([])
})

test('requests that the upstream could tell apart have no answer in common', async () => {
  const asks = [
    ...['a.test', 'A.TEST', 'a.test:80', 'a.test:8080', 'a.test.', 'b.test', 'xn--bcher-kva.example'].map((host) =>
      message('GET /a', [`Host: ${host}`]),
    ),
    ...[
      '/a?x=1',
      '/a?x=2',
      '/a?x=%31',
      '/a?X=1',
      '/a?x=1&x=2',
      '/a?x=2&x=1',
      '/a?x',
      '/a?x=',
      '/a?',
      '/a',
      '/a?x=1;y=2',
      '/a?x=+',
      '/a?x=%20',
    ].map((target) => get(target)),
    ...['http://a.test/a', 'http://b.test/a', 'HTTP://A.test/a'].map((target) => message(`GET ${target}`, ['Host: c.test'])),
  ]
  const told = (text: string | undefined) => {
    const { method, target, headers } = read(text)
    return { method, target, host: headers?.['host'] }
  }
  await using bare = await echoing({ cache: false })
  await using cached = await echoing()
  for (const bytes of [...asks, ...asks.toReversed()]) {
    const [expected, found] = [await bare.ask(bytes), await cached.ask(bytes)]
    expect([found?.status, found?.status === 200 && told(found.text)], bytes).toEqual([
      expected?.status,
      expected?.status === 200 && told(expected.text),
    ])
  }
})
