import { createServer } from 'node:http'
import { type Handler, type Layer, text } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { createRouter, stripPrefix } from '@gatelet/router'
import { rawRequest, startedServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { express, fronts, node } from './support/fronts.ts'
import { message, room, statuses } from './support/room.ts'

// One reading of a path: what a rule matched is what the upstream gets.

const guarded = (forward: Handler): Layer =>
  createRouter()
    .any('/admin', () => text('who are you?', 401))
    .any('/admin/*', () => text('who are you?', 401))
    .any('/api/*', forward)
    .any('/*', forward)

/** What each target leads to: a refusal, the guarded place (401), or what the upstream sees. */
const targets: readonly (readonly [sentence: string, target: string, result: number | string])[] = [
  ['a dot segment', '/a/../admin', 401],
  ['an encoded dot segment', '/a/%2e%2e/admin', 401],
  ['a half encoded dot segment', '/a/.%2e/admin', 401],
  ['a dot segment above the root', '/../../admin', 401],
  ['a single dot', '/./admin', 401],
  ['an encoded single dot', '/%2e/admin', 401],
  ['dots encoded twice are data', '/a/%252e%252e/admin', '/a/%252e%252e/admin'],
  ['two slashes at the start', '//admin', 400],
  ['two slashes inside', '/api//admin', 400],
  ['an authority at the start', '//evil.test/admin', 400],
  ['a path parameter is part of its segment', '/admin;x=1', '/admin;x=1'],
  ['a dot segment with a path parameter', '/api/..;/admin', 400],
  ['an encoded one', '/api/..%3b/admin', 400],
  ['a backslash', '/a\\..\\admin', 400],
  ['an encoded backslash', '/a%5c..%5cadmin', 400],
  ['an encoded slash', '/a%2f..%2fadmin', 400],
  ['an encoded slash in the guarded name', '/admin%2fx', 400],
  ['an encoded letter', '/%61dmin', 401],
  ['an encoded letter in a prefix', '/%61pi/x', '/api/x'],
  ['a fragment', '/a#/../admin', 400],
  ['NUL', '/a%00', 400],
  ['CR LF', '/a%0d%0aX: y', 400],
  ['encoded CR LF', '/a%0d%0ax', 400],
  ['a percent sign without digits', '/a%zz', 400],
  ['a percent sign at the end', '/a%', 400],
  ['an overlong slash', '/a%c0%af..%c0%afadmin', 400],
  ['an overlong dot', '/a/%c0%ae%c0%ae/admin', 400],
  ['raw bytes above 127', '/caf\xe9', 400],
  ['the case of letters counts', '/ADMIN', '/ADMIN'],
  ['a slash behind', '/admin/', 401],
  ['a name that only begins alike', '/adminx', '/adminx'],
  ['encoded question mark and hash are data', '/a%3fb%23c', '/a%3Fb%23c'],
  ['the query plays no part', '/a?/../admin#', 400],
  ['nor does a path in it', '/a?next=/../admin//%2e', '/a?next=/../admin//%2e'],
  ['dots in an absolute target', 'http://a.test/a/../admin', 401],
  ['a prototype in the query', '/a?__proto__[x]=1&constructor=2', '/a?__proto__[x]=1&constructor=2'],
]

const upgradeFields = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
]

/** @param expected a status, or the target that the upstream sees */
async function leads(target: string, expected: number | string, fields: readonly string[] = [], sound = 200): Promise<void> {
  await using scene = await room({ front: node, layers: guarded })
  const reply = await scene.ask(message(`GET ${target}`, fields))
  const got = { status: statuses(reply)[0], sees: scene.upstream.lines }
  if (typeof expected === 'number') expect(got).toEqual({ status: expected, sees: [] })
  else expect(got).toEqual({ status: sound, sees: [`GET ${expected}`] })
}

describe.each(targets)('%s: %j', (_, target, expected) => {
  test('is one path for the rule and for the upstream', () => leads(target, expected))

  // The upstream knows no WebSocket: its 200 comes back as it is.
  test('is the same over an upgrade', () => leads(target, expected, upgradeFields))
})

describe('in front of a framework', () => {
  test.each(fronts.filter(({ isFramework }) => isFramework))(
    'whatever $name lets through, the string that was matched is the string that is forwarded',
    async (front) => {
      for (const [, target, expected] of targets) {
        const matched: string[] = []
        const tapped =
          (forward: Handler): Handler =>
          (ctx) => {
            matched.push(`${ctx.request.method} ${ctx.request.url.path}${ctx.request.url.search}`)
            return forward(ctx)
          }
        await using scene = await room({ front, layers: tapped })
        await scene.ask(message(`GET ${target}`))
        expect(scene.upstream.lines, target).toEqual(matched)
        if (expected !== 400) expect(matched, target).toHaveLength(1)
      }
    },
  )

  test.each(targets.filter(([, , expected]) => expected === 400))(
    'with strictPaths, %s is refused before Express routes it: %j',
    async (_, target) => {
      const app = express()
      let routed = 0
      app.set('env', 'test')
      app.use(toExpress((ctx, next) => next(ctx), { strictPaths: true }))
      app.use((_req, res) => {
        routed++
        res.end()
      })
      const server = await startedServer(createServer(app))
      const reply = await rawRequest(server.port, message(`GET ${target}`))
      await server.close()
      expect({ status: statuses(reply)[0], routed }).toEqual({ status: 400, routed: 0 })
    },
  )
})

describe('a rewrite', () => {
  const rewriting = (forward: Handler): Layer =>
    createRouter()
      .mount('/v1', stripPrefix(), forward)
      .get('/users/:id', (ctx) => {
        const { url, headers } = ctx.request
        return forward(ctx.withRequest({ url: { ...url, path: `/people/${encodeURIComponent(ctx.state.params.id)}` }, headers }))
      })

  test.each([
    ['/v1/x', 'GET /x'],
    ['/%76%31/x', 'GET /x'],
    ['/v%31/x', 'GET /x'],
    ['/v1', 'GET /'],
    ['/v1/%3fa%23b', 'GET /%3Fa%23b'],
    ['/users/a%3fb%23c', 'GET /people/a%3Fb%23c'],
    ['/users/a%20b', 'GET /people/a%20b'],
    ['/users/%252e%252e', 'GET /people/%252e%252e'],
  ])('of %s matches and rewrites by the same reading: %s', async (target, line) => {
    await using scene = await room({ layers: rewriting })
    expect(statuses(await scene.ask(message(`GET ${target}`)))).toEqual([200])
    expect(scene.upstream.lines).toEqual([line])
  })

  test.each([
    ['/v1x/y', 404],
    ['/v1%2fx', 400],
    ['/v1/..%2fx', 400],
    ['/V1/x', 404],
    ['/v1//x', 400],
  ])('of %s does not happen: %i', async (target, status) => {
    await using scene = await room({ layers: rewriting })
    expect(statuses(await scene.ask(message(`GET ${target}`)))).toEqual([status])
    expect(scene.upstream.lines).toEqual([])
  })

  test.each(['/x y', '/x\r\nX: y', '/x\0', 'http://evil.test/', '/a?b#c', ''])(
    'to %j, which is no path, is an error of ours before anything is sent',
    async (path) => {
      const careless =
        (forward: Handler): Handler =>
        (ctx) => {
          const { url, headers } = ctx.request
          return forward(ctx.withRequest({ url: { ...url, path }, headers }))
        }
      await using scene = await room({ layers: careless })
      expect(statuses(await scene.ask(message('GET /x')))).toEqual([500])
      expect(scene.upstream.lines).toEqual([])
    },
  )
})

test.each([
  ['//evil.test/x', '//evil.test/x'],
  ['/a/../b', '/b'],
])('a layer that rewrites to %s still asks the configured upstream, for %s', async (path, seen) => {
  const own =
    (forward: Handler): Handler =>
    (ctx) =>
      forward(ctx.withRequest({ url: { ...ctx.request.url, path }, headers: ctx.request.headers }))
  await using scene = await room({ layers: own })
  expect(statuses(await scene.ask(message('GET /x')))).toEqual([200])
  expect(scene.upstream.lines).toEqual([`GET ${seen}`])
})

test('a path of 15 kB against many parameters and rests is matched or refused in linear time', async () => {
  const router = createRouter()
  for (const depth of [1, 5, 20])
    router.get(`${Array.from({ length: depth }, (_, at) => `/:p${at}`).join('')}/x${depth}`, () => text('found'))
  router.get('/a/*rest', () => text('rest'))
  await using scene = await room({ layers: () => router })
  for (const [path, status] of [
    [`/${'a/'.repeat(7_000)}`, 200],
    [`/${'a'.repeat(15_000)}`, 404],
    [`/b${'/%61'.repeat(3_000)}`, 404],
    [`/${'.'.repeat(15_000)}`, 404],
  ] as const) {
    const before = performance.now()
    expect(statuses(await scene.ask(message(`GET ${path}`)))).toEqual([status])
    // A millisecond for each 10 kB is asked for; what grows with a power of the length takes minutes.
    expect(performance.now() - before).toBeLessThan(2_000)
  }
})

test('a pattern of a route is no regular expression, so none can be catastrophic', () => {
  expect(() => createRouter().get('/:id(([a-z]+)+)', () => text(''))).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
})

test('parameters named like parts of a prototype are data', async () => {
  expect(() => createRouter().get('/:__proto__', () => text(''))).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  const router = createRouter().get('/:toString/:constructor', (ctx) => text(JSON.stringify(Object.entries(ctx.state.params))))
  await using scene = await room({ layers: () => router })
  const reply = await scene.ask(message('GET /a/b'))
  expect(reply.responses[0]?.text).toBe('[["toString","a"],["constructor","b"]]')
  expect(Object.prototype).not.toHaveProperty('a')
})
