import assert from 'node:assert/strict'
import { bytesOf, type Context, json, type Reply, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { Moment, message, played, replying, type StartAdapter } from './scene.ts'

/** What layers see of a request. */
export function requestCases(start: StartAdapter): Case[] {
  /** Answers with what the layer saw. */
  const shown = (see: (ctx: Context) => unknown) => ({ layer: (ctx: Context): Reply => json(see(ctx)) })
  return [
    {
      name: 'shows the method, the path and the query',
      run: () =>
        played(
          start,
          shown(({ request: { method, url, kind } }) => [method, url.path, url.search, kind]),
          async (stage) => {
            const { text } = await stage.ask('PUT /a/b?c=%20d&e')
            assert.deepEqual(JSON.parse(text), ['PUT', '/a/b', '?c=%20d&e', 'request'])
          },
        ),
    },
    {
      name: 'shows the path in its canonical form, and the target as it came',
      run: () =>
        played(
          start,
          shown(({ request: { url, target } }) => [url.path, target]),
          async (stage) => {
            const { text } = await stage.ask('GET /a/./b/../%7ec/caf%c3%a9')
            assert.deepEqual(JSON.parse(text), ['/a/~c/caf%C3%A9', '/a/./b/../%7ec/caf%c3%a9'])
          },
        ),
    },
    {
      name: 'shows the host, its port and the scheme',
      run: () =>
        played(
          start,
          shown(({ request: { url } }) => [url.host, url.port, url.scheme]),
          async (stage) => {
            const { text } = await stage.ask('GET /', { fields: ['Host: API.Example.com.:8080'] })
            assert.deepEqual(JSON.parse(text), ['api.example.com', 8080, 'http'])
          },
        ),
    },
    {
      name: 'shows header fields as they came, each line of a name',
      run: () =>
        played(
          start,
          shown(({ request: { headers } }) => [headers.getAll('x-a'), headers.get('X-B'), headers.raw]),
          async (stage) => {
            const { text } = await stage.ask('GET /', { fields: ['X-a: 1', 'x-A: 2, 3', 'X-b: \xe9'] })
            const raw = ['Host', 'a.test', 'X-a', '1', 'x-A', '2, 3', 'X-b', '\xe9']
            assert.deepEqual(JSON.parse(text), [['1', '2, 3'], '\xe9', raw])
          },
        ),
    },
    {
      name: 'drops the fields that the client\u2019s Connection nominates',
      run: () =>
        played(
          start,
          shown(({ request: { headers } }) => [headers.has('x-user'), headers.get('x-kept')]),
          async (stage) => {
            const { text } = await stage.ask('GET /', { fields: ['Connection: keep-alive, X-User', 'X-User: root', 'X-Kept: 1'] })
            assert.deepEqual(JSON.parse(text), [false, '1'])
          },
        ),
    },
    {
      name: 'shows the peer as the client, whatever the client says about itself',
      run: () =>
        played(
          start,
          shown(({ request: { client } }) => client),
          async (stage) => {
            const { text } = await stage.ask('GET /', { fields: ['X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.2'] })
            assert.deepEqual(JSON.parse(text), { address: '127.0.0.1', peer: '127.0.0.1', viaTrustedProxy: false })
          },
        ),
    },
    {
      name: 'has no body where none was sent',
      run: () =>
        played(
          start,
          shown(({ request: { body } }) => body === null),
          async (stage) => {
            assert.equal((await stage.ask('GET /')).text, 'true')
            assert.equal((await stage.ask('POST /', { body: '' })).text, 'true')
          },
        ),
    },
    ...bodyCases(start),
    ...refusalCases(start),
    ...connectionCases(start),
  ]
}

const echoed = async (ctx: Context): Promise<Reply> => replying(Buffer.from(await bytesOf(ctx.request.body, 10_000_000)))

function bodyCases(start: StartAdapter): Case[] {
  return [
    {
      name: 'reads a body of a known length, byte for byte',
      run: () =>
        played(start, { layer: echoed }, async (stage) => {
          const body = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7) % 256))
          assert.ok((await stage.ask('POST /', { body })).body.equals(body), 'the bytes have changed')
        }),
    },
    {
      name: 'reads a body that comes in chunks',
      run: () =>
        played(start, { layer: echoed }, async (stage) => {
          const fields = ['Transfer-Encoding: chunked']
          assert.equal((await stage.ask('POST /', { fields, body: '3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n' })).text, 'abcdefg')
        }),
    },
    {
      name: 'reads no more of a body than the layer takes',
      run: async () => {
        const seen = new Moment<Context>()
        const layer = (ctx: Context) => {
          seen.happen(ctx)
          return text('no, thanks')
        }
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('POST /', { fields: ['Content-Length: 10'], body: '01234' }))
          assert.equal((await client.response()).text, 'no, thanks')
          assert.equal((await seen.promise).request.method, 'POST')
        })
      },
    },
    {
      name: 'goes on with the connection when the layer has not read the body',
      run: () =>
        played(start, { layer: (ctx) => text(ctx.request.url.path) }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('POST /one', { body: 'not read by anybody' }))
          assert.equal((await client.response()).text, '/one')
          client.write(message('GET /two'))
          assert.equal((await client.response()).text, '/two')
        }),
    },
    {
      name: 'tells a client that waits for it to go on with the body',
      run: () =>
        played(start, { layer: echoed }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('POST /', { fields: ['Expect: 100-continue', 'Content-Length: 5'] }))
          await client.read('HTTP/1.1 100 Continue\r\n\r\n')
          client.write('hello')
          assert.equal((await client.response()).text, 'hello')
        }),
    },
  ]
}

function refusalCases(start: StartAdapter): Case[] {
  const bad: readonly (readonly [what: string, line: string, fields: readonly string[], status: number])[] = [
    ['a path with a percent sign and no hex digits behind it', 'GET /a%zz', [], 400],
    ['a path with an encoded NUL', 'GET /a%00b', [], 400],
    ['a path with an encoded line break', 'GET /a%0d%0ab', [], 400],
    ['a second Host', 'GET /', ['Host: a.test', 'Host: b.test'], 400],
    ['a Host that is none', 'GET /', ['Host: a.test/b'], 400],
  ]
  return bad.map(([what, line, fields, status]) => ({
    name: `refuses ${what} before a layer sees it`,
    run: async () => {
      let seen = 0
      const layer = () => {
        seen++
        return text('seen')
      }
      await played(start, { layer }, async (stage) => {
        const response = await stage.ask(line, { fields })
        assert.equal(response.status, status)
        assert.equal(response.headers.get('content-type'), 'application/problem+json')
        assert.equal(seen, 0, 'a layer has seen it')
      })
    },
  }))
}

function connectionCases(start: StartAdapter): Case[] {
  return [
    {
      name: 'answers one request after another on a connection',
      run: () =>
        played(start, { layer: (ctx) => text(ctx.request.url.path) }, async (stage) => {
          await using client = await stage.connect()
          for (const path of ['/a', '/b', '/c']) {
            client.write(message(`GET ${path}`))
            assert.equal((await client.response()).text, path)
          }
          assert.deepEqual(await stage.ended(3), ['finished 200', 'finished 200', 'finished 200'])
        }),
    },
    {
      name: 'answers pipelined requests in their order',
      run: async () => {
        const last = new Moment()
        const layer = async (ctx: Context) => {
          const { path } = ctx.request.url
          if (path === '/b') last.happen()
          else await last.promise
          return text(path)
        }
        await played(start, { layer }, async (stage) => {
          await using client = await stage.connect()
          client.write(Buffer.concat([message('GET /a'), message('GET /b')]))
          assert.deepEqual([(await client.response()).text, (await client.response()).text], ['/a', '/b'])
        })
      },
    },
    {
      name: 'ends the connection of an HTTP/1.0 client with the reply, without chunks',
      run: () =>
        played(start, { layer: (ctx) => text(ctx.request.protocol) }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET / HTTP/1.0'))
          const response = await client.response()
          assert.deepEqual([response.text, response.headers.get('transfer-encoding')], ['1.0', undefined])
          assert.equal(await client.left(), 'end')
        }),
    },
  ]
}
