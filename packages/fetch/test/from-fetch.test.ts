import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { bytesOf, discard, GatewayError, type Reply, sourceOf, subscribe } from '@gatelet/core'
import { fromFetch, toFetch } from '@gatelet/fetch'
import { bodyText, call, exchange } from '@gatelet/testing'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { listening } from './listening.ts'
import { handStream, settle, tap } from './support.ts'

/** What a function sees of a request. */
async function seenBy(request: Parameters<typeof call>[1]): Promise<Request> {
  let seen: Request | undefined
  const answer = await call(
    fromFetch((request) => {
      seen = request
      return new Response(null, { status: 204 })
    }),
    request,
  )
  if (!seen) throw new Error(`not asked: ${answer.status} ${await answer.text()}`)
  return seen
}

describe('the function', () => {
  test('may answer at once or later', async () => {
    expect(await (await call(fromFetch(() => new Response('now')))).text()).toBe('now')
    expect(await (await call(fromFetch(async () => new Response('later')))).text()).toBe('later')
  })

  test('throws through', async () => {
    const handler = fromFetch(() => {
      throw new GatewayError('NO_ENDPOINT')
    })
    expect(() => handler(exchange('/').ctx)).toThrow(GatewayError)
    expect((await call(handler)).status).toBe(503)
    expect((await call(fromFetch(async () => Promise.reject(new Error('secret'))))).status).toBe(500)
  })

  test.each([undefined, 'text', {}, { status: 200 }])('that answers with %j is told of', async (value) => {
    const answer = await call(fromFetch(async () => value as never))
    expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([500, 'BAD_REPLY'])
  })

  test('may answer with an error of the network, which is an error here too', async () => {
    expect((await call(fromFetch(() => Response.error()))).status).toBe(500)
  })
})

describe('a Request', () => {
  test('asks what the context asks', async () => {
    const request = await seenBy({ method: 'PATCH', url: 'https://a.test:8443/x/../y?q=%20', headers: { 'x-a': '1' }, body: 'b' })
    expect([request.method, request.url, request.headers.get('x-a')]).toEqual(['PATCH', 'https://a.test:8443/y?q=%20', '1'])
    expect([request.headers.get('host'), request.headers.get('content-length')]).toEqual(['a.test:8443', '1'])
    expect(await request.text()).toBe('b')
  })

  test('sees what layers changed', async () => {
    let url = ''
    const rewritten = fromFetch((request) => {
      url = request.url
      return new Response()
    })
    await call((ctx) => rewritten(ctx.withRequest({ url: { path: '/other', search: '?x' } })), 'http://a.test/x')
    expect(url).toBe('http://a.test/other?x')
  })

  test('has no fields that speak of the connection', async () => {
    const headers = { connection: 'keep-alive', te: 'trailers', 'proxy-authorization': 'x', accept: '*/*' }
    expect(Object.keys(Object.fromEntries((await seenBy({ headers })).headers))).toEqual(['accept', 'host'])
  })

  test('of a GET has no body and no length of one', async () => {
    const request = await seenBy({ method: 'GET', body: 'ignored' })
    expect([request.body, request.headers.get('content-length')]).toEqual([null, null])
  })

  test('of a client that named no host is one for localhost', async () => {
    const { ctx } = exchange('/x')
    let url = ''
    const handler = fromFetch((request) => {
      url = request.url
      return new Response()
    })
    await handler(ctx.withRequest({ url: { host: '' } }))
    expect(url).toBe('http://localhost/x')
  })

  test.each(['CONNECT', 'TRACE', 'track'])('cannot be made for %s', async (method) => {
    const answer = await call(
      fromFetch(() => new Response()),
      { method },
    )
    expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([501, 'METHOD_NOT_IMPLEMENTED'])
  })

  test('cannot be made for a host that a URL cannot have', async () => {
    const answer = await call(
      fromFetch(() => new Response()),
      'http://1.2.3.256/',
    )
    expect([answer.status, (await answer.json<{ code: string }>()).code]).toEqual([400, 'BAD_HOST'])
  })

  test('aborts when the client leaves', async () => {
    const { ctx, ...side } = exchange('/')
    let seen: AbortSignal | undefined
    void fromFetch((request) => {
      seen = request.signal
      return new Promise<Response>(() => {})
    })(ctx)
    expect(seen?.aborted).toBe(false)
    side.abort()
    expect(seen?.aborted).toBe(true)
    expect(seen?.reason).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  test('streams its body, which is not touched before it is read', async () => {
    const { source, told } = tap()
    let seen: Request | undefined
    const answered = call(
      fromFetch(async (request) => {
        seen = request
        await settle()
        expect(told).toEqual([])
        const reader = request.body!.getReader()
        const first = reader.read()
        await settle()
        expect(told).toEqual(['start'])
        source.push(Buffer.from('one'))
        expect(Buffer.from((await first).value!).toString()).toBe('one')
        // Nobody asks for more: so nothing more is taken.
        expect(source.push(Buffer.from('two'))).toBe(false)
        const second = await reader.read()
        source.end()
        return new Response(`${Buffer.from(second.value!)} ${(await reader.read()).done}`)
      }),
      { method: 'POST', body: source },
    )
    expect(await (await answered).text()).toBe('two true')
    expect(seen?.bodyUsed).toBe(true)
  })

  test('cancels its body where the function does', async () => {
    const { source, told } = tap()
    await call(
      fromFetch(async (request) => {
        await request.body!.cancel()
        return new Response()
      }),
      { method: 'POST', body: source },
    )
    expect(told).toEqual(['cancel'])
  })

  test('has a body that fails as the client’s does', async () => {
    const { source } = tap()
    const answer = await call(
      fromFetch(async (request) => {
        const read = request.text()
        await settle()
        source.fail(new GatewayError('CLIENT_CLOSED'))
        await expect(read).rejects.toThrow()
        return new Response('seen')
      }),
      { method: 'POST', body: source },
    )
    expect(await answer.text()).toBe('seen')
  })

  test('has a body that says when it was read already', async () => {
    const { source } = tap()
    source.end()
    const answer = await call(
      fromFetch(async (request) => {
        await bytesOf(source, 1)
        await expect(request.text()).rejects.toThrow()
        return new Response('seen')
      }),
      { method: 'POST', body: source },
    )
    expect(await answer.text()).toBe('seen')
  })
})

describe('a Response', () => {
  test('becomes a reply', async () => {
    const headers = new Headers({ 'x-a': '1', connection: 'close', 'keep-alive': 'x' })
    for (const cookie of ['a=1', 'b=2']) headers.append('set-cookie', cookie)
    const answer = await call(fromFetch(() => new Response('hello', { status: 201, headers })))
    expect([answer.status, answer.headers.get('x-a'), answer.headers.getSetCookie()]).toEqual([201, '1', ['a=1', 'b=2']])
    expect([answer.headers.has('connection'), answer.headers.has('keep-alive')]).toEqual([false, false])
    expect(await answer.text()).toBe('hello')
  })

  test('without a body has none', async () => {
    expect((await call(fromFetch(() => new Response(null, { status: 204 })))).body).toBe(null)
  })

  test('is read at the pace of who takes it', async () => {
    const { stream, controller, pulls } = handStream()
    const reply = (await fromFetch(() => new Response(stream))(exchange('/').ctx)) as Reply
    expect(pulls()).toBe(0)
    const got: string[] = []
    const flow = sourceOf(reply.body).pipeTo({
      write: (chunk) => got.push(Buffer.from(chunk).toString()) > 1,
      end: () => void got.push('END'),
      fail() {},
    })
    for (const word of ['one', 'two', 'three']) controller.enqueue(Buffer.from(word))
    controller.close()
    await settle()
    expect(got).toEqual(['one'])
    flow.resume()
    await settle()
    expect(got).toEqual(['one', 'two', 'three', 'END'])
  })

  test.each([false, true])('that nobody wants is cancelled (begun: %s)', async (isBegun) => {
    const { stream, cancelled } = handStream()
    const { body } = (await fromFetch(() => new Response(stream))(exchange('/').ctx)) as Reply
    if (isBegun) sourceOf(body).pipeTo({ write: () => true, end() {}, fail() {} })
    discard(body)
    discard(body)
    await settle()
    expect(cancelled.length).toBe(1)
  })

  test('that breaks off fails its reader', async () => {
    const { stream, controller } = handStream()
    const { body } = (await fromFetch(() => new Response(stream))(exchange('/').ctx)) as Reply
    const read = bodyText({ body })
    controller.error(new Error('gone'))
    await expect(read).rejects.toMatchObject({ code: 'INTERNAL', cause: new Error('gone') })
  })

  test('that fails while nobody reads it does not end the process', async () => {
    const { stream, controller } = handStream()
    const { body } = (await fromFetch(() => new Response(stream))(exchange('/').ctx)) as Reply
    controller.error(new Error('gone'))
    await settle()
    await expect(bodyText({ body })).rejects.toMatchObject({ cause: new Error('gone') })
  })

  test('that was read already says so', async () => {
    const answer = await call(
      fromFetch(async () => {
        const response = new Response('x')
        await response.text()
        return response
      }),
    )
    await expect(answer.text()).rejects.toThrow()
  })
})

describe('a response of fetch', () => {
  const zipped = gzipSync('hello '.repeat(100))
  const origin = createServer((req, res) => {
    const own = req.url === '/odd' ? 'x-own' : 'gzip'
    res.writeHead(200, { 'content-encoding': own, 'content-length': zipped.byteLength }).end(zipped)
  })

  test('is passed on decoded, without the fields that spoke of its coding', async () => {
    await using _ = await listening(origin)
    const handler = fromFetch((request) => fetch(`${_.url}/`, { method: request.method }))
    const answer = await call(handler)
    expect([answer.headers.has('content-encoding'), answer.headers.has('content-length')]).toEqual([false, false])
    expect(await answer.text()).toBe('hello '.repeat(100))
    // Nothing was decoded where nothing came.
    const head = await call(handler, 'HEAD /')
    expect(head.headers.get('content-length')).toBe(String(zipped.byteLength))
    const odd = await call(fromFetch(() => fetch(`${_.url}/odd`)))
    expect(odd.headers.get('content-encoding')).toBe('x-own')
    expect(Buffer.from(await odd.bytes()).equals(zipped)).toBe(true)
  })

  test('of the function’s own making is passed on as it is', async () => {
    const answer = await call(fromFetch(() => new Response(zipped, { headers: { 'content-encoding': 'gzip' } })))
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(Buffer.from(await answer.bytes()).equals(zipped)).toBe(true)
  })
})

test('there and back again nothing is lost', async () => {
  const handle = toFetch(
    fromFetch(async (request) => {
      const headers = new Headers([['x-url', request.url]])
      for (const cookie of ['a=1', 'b=2']) headers.append('set-cookie', cookie)
      return new Response(request.body, { status: 203, headers })
    }),
  )
  const sent = Buffer.alloc(1_000_000, 'abc')
  const response = await handle(new Request('http://a.test/x?y', { method: 'POST', body: sent }))
  expect([response.status, response.headers.get('x-url'), response.headers.getSetCookie()]).toEqual([
    203,
    'http://a.test/x?y',
    ['a=1', 'b=2'],
  ])
  expect(Buffer.from(await response.arrayBuffer()).equals(sent)).toBe(true)
})

describe('what hosts export', () => {
  test('is the fetch of an object, with what it is bound to, called on that object', async () => {
    const worker = {
      greeting: 'hello',
      fetch(request: Request, env: { name: string }) {
        return new Response(`${this.greeting} ${env.name} ${new URL(request.url).pathname}`)
      },
    }
    expect(await (await call(fromFetch(worker, { env: { name: 'ada' } }), '/x')).text()).toBe('hello ada /x')
    const app = new Hono<{ Bindings: { name: string } }>().get('/y', (c) => c.text(c.env.name))
    expect(await (await call(fromFetch(app, { env: { name: 'eve' } }), '/y')).text()).toBe('eve')
  })

  test('is a function for each method; the others are answered as Next does', async () => {
    const handler = fromFetch({
      GET: () => new Response('got', { headers: { 'x-a': '1' } }),
      POST: async (request) => new Response(await request.text(), { status: 201 }),
    })
    expect(await (await call(handler, 'GET /')).text()).toBe('got')
    const posted = await call(handler, { method: 'POST', url: '/', body: 'a' })
    expect([posted.status, await posted.text()]).toEqual([201, 'a'])
    const head = await call(handler, 'HEAD /')
    expect([head.status, head.headers.get('x-a')]).toEqual([200, '1'])
    const asked = await call(handler, 'OPTIONS /')
    expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
    const refused = await call(handler, 'DELETE /')
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, OPTIONS'])
  })

  test('may have work that goes on: it is counted, and what it fails with is told', async () => {
    const told: unknown[] = []
    onTestFinished(subscribe('request:failed', ({ error }) => void told.push(error)))
    let done: () => void = () => {}
    const error = new Error('gone')
    const handler = fromFetch((_request, _env, host) => {
      host.waitUntil(new Promise<void>((resolve) => (done = resolve)))
      host.waitUntil(Promise.reject(error))
      host.passThroughOnException()
      return new Response('ok')
    })
    const side = exchange('/')
    expect(await (await side.ask(handler)).text()).toBe('ok')
    expect(side.background).toHaveLength(2)
    done()
    await Promise.all(side.background)
    expect(told).toEqual([error])
  })

  test('may have work that goes on where nothing counts it', async () => {
    const told: unknown[] = []
    onTestFinished(subscribe('request:failed', ({ error }) => void told.push(error)))
    const handler = fromFetch((_request, _env, host) => {
      host.waitUntil(Promise.reject('gone'))
      return new Response('ok')
    })
    const { ctx } = exchange('/')
    await handler(Object.assign(Object.create(ctx), { background: () => false }))
    await settle()
    expect(told).toEqual(['gone'])
  })
})
