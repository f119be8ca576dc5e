import { createServer } from 'node:http'
import { auth, jwt, role } from '@gatelet/auth'
import { chain, type Handler, type Layer } from '@gatelet/core'
import { toExpress } from '@gatelet/express'
import { createRouter } from '@gatelet/router'
import { rawRequest, startedServer } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pair, token } from '../../packages/auth/test/issuer.ts'
import { expresses } from '../../packages/express/test/expresses.ts'
import { fronts, node } from '../attack/support/fronts.ts'
import { message, room, statuses } from '../attack/support/room.ts'
import { targets } from '../attack/support/targets.ts'

// A rule on a path holds for each way to write that path: what the rule did not see does not get there.

const issuer = 'https://id.example.com/'
const key = await pair('k1')
const verifier = jwt({ issuer, audience: 'api', algorithms: ['ES256'], keys: [key.jwk] })

const guarded = (forward: Handler): Layer => {
  const admins = chain()
    .use(auth(verifier, { require: role('admin') }))
    .to(forward)
  return createRouter().any('/admin', admins).any('/admin/*', admins).any('/*', forward)
}

/** Ways to write `/admin` that some server reads as that. */
const spellings = [
  '/admin',
  '/admin/',
  '/./admin',
  '/%2e/admin',
  '/a/../admin',
  '/a/%2e%2e/admin',
  '/a/.%2e/admin',
  '/a/%2E./admin',
  '/../../admin',
  '/%61dmin',
  '/%61%64%6d%69%6e',
  '//admin',
  '///admin',
  '/a//../admin',
  '/a/..;/admin',
  '/a/..%3b/admin',
  '/a\\..\\admin',
  '/a%5c..%5cadmin',
  '/a%2f..%2fadmin',
  '/a/..%2fadmin',
  '/%2e%2e%2fadmin',
  '/admin%2f',
  '/admin%2fx',
  '/admin%5cx',
  '/admin%00',
  '/admin%00.png',
  '/admin%0a',
  '/admin#',
  '/x#/../admin',
  '/a%c0%af..%c0%afadmin',
  '/a/%c0%ae%c0%ae/admin',
  '/admin%',
  '/%zzadmin',
  '/admin/x/..',
  '/admin/./x',
  'http://a.test/admin',
  'http://a.test/x/../admin',
  'http://a.test//admin',
]

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

describe.each(fronts)('behind $name', (front) => {
  test('each spelling of a guarded path is refused to who is nobody, and the upstream hears nothing', async () => {
    await using scene = await room({ front, layers: guarded })
    for (const target of spellings) {
      const [status] = statuses(await scene.ask(message(`GET ${target}`)))
      expect([401, 400], target).toContain(status)
    }
    expect(scene.upstream.lines).toEqual([])
  })

  test('with a token that does not do for it they are refused, too', async () => {
    const authorization = `Authorization: Bearer ${await token(key, issuer, { claims: { roles: ['clerk'] } })}`
    await using scene = await room({ front, layers: guarded })
    const replies = await Promise.all(spellings.map((target) => scene.ask(message(`GET ${target}`, [authorization]))))
    for (const reply of replies) expect([403, 400]).toContain(statuses(reply)[0])
    expect(scene.upstream.lines).toEqual([])
  })
})

test('handshakes are read in the same way', async () => {
  await using scene = await room({ front: node, layers: guarded })
  for (const target of spellings) {
    const [status] = statuses(await scene.ask(message(`GET ${target}`, upgrade)))
    expect([401, 400], target).toContain(status)
  }
  expect(scene.upstream.lines).toEqual([])
})

test('each method takes the same way', async () => {
  await using scene = await room({ front: node, layers: guarded })
  for (const method of ['HEAD', 'OPTIONS', 'POST', 'DELETE', 'PROPFIND', 'get']) {
    const [status] = statuses(await scene.ask(message(`${method} /x/../admin`)))
    expect([401, 400, 405, 501], method).toContain(status)
  }
  expect(scene.upstream.lines).toEqual([])
})

test('who may gets the one path that the rule saw', async () => {
  const authorization = `Authorization: Bearer ${await token(key, issuer, { claims: { roles: ['admin'] } })}`
  await using scene = await room({ front: node, layers: guarded })
  for (const target of ['/admin', '/a/%2e%2e/admin', '/%61dmin']) await scene.ask(message(`GET ${target}`, [authorization]))
  expect(scene.upstream.lines).toEqual(['GET /admin', 'GET /admin', 'GET /admin'])
})

test('whatever is written: nothing that the upstream reads as a guarded path has passed the rule by', async () => {
  await using scene = await room({ front: node, layers: guarded })
  await fc.assert(
    fc.asyncProperty(targets, async (target) => {
      await scene.ask(message(`GET ${target}`))
    }),
    { seed: 60, numRuns: 200 },
  )
  // Whoever decodes once more, or resolves dots once more, must come to the same place.
  const read = (line: string) => new URL(line.slice('GET '.length), 'http://a.test').pathname
  expect(scene.upstream.lines.filter((line) => /^\/admin(?:\/|$)/.test(read(line)))).toEqual([])
})

describe.each(expresses)('in front of the handlers of %s', (_, express) => {
  test('auth makes paths strict: what its routes read in another way does not come to them', async () => {
    const app = express()
    app.set('env', 'test')
    let routed = 0
    app.use(toExpress(chain().use(auth(verifier, { optional: true }))))
    app.use((_req, res) => {
      routed++
      res.end()
    })
    const server = await startedServer(createServer(app))
    for (const target of ['/a%2f..%2fadmin', '//admin', '/a%5cadmin', '/a/..;/admin']) {
      expect(statuses(await rawRequest(server.port, message(`GET ${target}`)))[0], target).toBe(400)
    }
    expect(statuses(await rawRequest(server.port, message('GET /a/../admin')))).toEqual([200])
    await server.close()
    expect(routed).toBe(1)
  })
})
