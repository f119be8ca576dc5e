import { chain, type Handler, type Layer, text } from '@gatelet/core'
import { createRouter } from '@gatelet/router'
import { describe, expect, test } from 'vitest'
import { fronts, node } from './support/fronts.ts'
import { type Attack, message, played, room, statuses } from './support/room.ts'

// Whom a request is for, and what it wants to be done.

const refused = (name: string, sends: string, status = 400): Attack => ({ name, sends, gets: [status], sees: [] })
const host = (value: string) => refused(`Host: ${JSON.stringify(value.slice(0, 30))}`, message('GET /x', [`Host:${value}`]))

const attacks: readonly Attack[] = [
  refused('two Host fields', message('GET /x', ['Host: a.test', 'Host: b.test'])),
  refused('the same Host twice', message('GET /x', ['Host: a.test', 'Host: a.test'])),
  refused('no Host', 'GET /x HTTP/1.1\r\nConnection: close\r\n\r\n'),
  ...[' evil.test:x@a.test', ' user@a.test', ' a.test/x', ' a.test\\x', ' a test', ' a.test%00', ' a.test%2f', '', ' :80'].map(
    host,
  ),
  ...[
    ' a.test:99999',
    ' a.test:0',
    ' a.test:+80',
    ' a..test',
    ' [::1',
    ' [evil]',
    ' a.test#x',
    ' a.test?x',
    ' a,b',
    ' é.test',
  ].map(host),
  host(` ${'a'.repeat(256)}`),
  refused('an absolute target whose authority is not that of Host', message('GET http://other.test/x')),
  refused('an absolute target with user information', message('GET http://a.test@evil.test/x')),
  refused('an absolute target of another scheme', message('GET ftp://a.test/x')),
  refused('a target without a slash', message('GET x')),
  refused('a fragment in an absolute target', message('GET http://a.test#frag')),
  refused('TRACE', message('TRACE /x'), 501),
  refused('TRACE with Max-Forwards', message('TRACE /x', ['Max-Forwards: 0']), 501),
]

describe.each(fronts)('on $name', (front) => {
  test.each(attacks)('$name is refused, and no upstream asked', async (attack) => {
    await played(attack, { front })
  })

  test('OPTIONS * is answered by nobody behind us', async () => {
    await using scene = await room({ front })
    // Koa's own routing has no place for it.
    expect(statuses(await scene.ask(message('OPTIONS *')))).toEqual([front.name === 'Koa' ? 404 : 501])
    expect(scene.upstream.lines).toEqual([])
  })

  test('an absolute target chooses neither the upstream nor its Host; its path is made canonical like any other', async () => {
    const sends = message('GET http://A.Test:80/b/../c?d')
    const { upstream } = await played({ name: '', sends, gets: [200], sees: ['GET /c?d'] }, { front })
    const [seen] = upstream.requests
    expect(seen?.all('host')).toEqual([upstream.url.slice('http://'.length)])
    expect(seen?.all('x-forwarded-host')).toEqual(['a.test'])
  })

  test('headers that want to override the method change nothing', async () => {
    const fields = ['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: DELETE', 'Content-Length: 0']
    await played({ name: '', sends: message('POST /x', fields), gets: [200], sees: ['POST /x'] }, { front })
  })

  test.each(['api.example.com', 'API.Example.COM', 'api.example.com.', 'api.example.com:80'])(
    'Host %s is one host for the route and for the upstream',
    async (name) => {
      await using scene = await room({ front, layers: routed })
      expect(statuses(await scene.ask(message('GET /x', [`Host: ${name}`])))).toEqual([200])
      expect(scene.upstream.requests[0]?.all('x-forwarded-host')).toEqual(['api.example.com'])
    },
  )

  test.each(['xapi.example.com', 'api.example.com.evil.io', 'evil.io', 'example.com', 'api.example.com-evil.io', '[::1]'])(
    'a route of api.example.com does not take Host %s',
    async (name) => {
      await using scene = await room({ front, layers: routed })
      expect(statuses(await scene.ask(message('GET /x', [`Host: ${name}`])))).toEqual([404])
      expect(scene.upstream.lines).toEqual([])
    },
  )
})

const routed = (forward: Handler): Layer => createRouter().host('api.example.com', (routes) => routes.any('/*', forward))

describe('on node', () => {
  test.each([
    ['CONNECT', 'CONNECT evil.test:443', 501],
    ['an unknown method', 'FROBNICATE /x', 501],
    ['a method in lower case', 'get /x', 501],
    ['what is no method', 'G(ET /x', 400],
  ])('%s is refused, and no upstream asked', async (_, line, status) => {
    await played({ name: '', sends: message(line), gets: [status], sees: [] })
  })

  test('a request that expects to be asked for its body is refused by a layer without 100', async () => {
    const guard = chain().use(() => text('who are you?', 401))
    await using scene = await room({ front: node, layers: (forward) => guard.to(forward) })
    const reply = await scene.ask(message('POST /x', ['Expect: 100-continue', 'Content-Length: 5']))
    expect(reply.responses.map(({ status }) => status)).toEqual([401])
    expect(scene.upstream.lines).toEqual([])
  })

  test('an expectation that nobody knows is 417, and no upstream asked', async () => {
    const sends = message('POST /x', ['Expect: the-impossible', 'Content-Length: 0'])
    await played({ name: '', sends, gets: [417], sees: [] })
  })
})
