import { chain, empty, GatewayError, type Handler, json, type Middleware, problem, text } from '@gatelet/core'
import { toFetch } from '@gatelet/fetch'
import { describe, expect, test } from 'vitest'
import { failuresOf, problemIn, settle, watched } from './support.ts'

const ask = (url = 'http://a.test/', init?: RequestInit) => new Request(url, init)

test('answers by a handler, a layer or a chain; whoever asks on gets 404', async () => {
  const named: Middleware = async (ctx, next) => {
    const reply = await next(ctx)
    reply.headers.set('x-named', 'yes')
    return reply
  }
  expect(await (await toFetch(() => text('hello'))(ask())).text()).toBe('hello')
  expect((await toFetch(named)(ask())).status).toBe(404)
  const response = await toFetch(chain().use(named))(ask())
  expect([response.status, response.headers.get('x-named')]).toEqual([404, 'yes'])
  expect(() => toFetch(7 as never)).toThrow(GatewayError)
})

test('a handler that answers at once and one that waits are both a promise', async () => {
  expect(await toFetch(() => text('now'))(ask())).toBeInstanceOf(Response)
  expect(await toFetch(async () => text('later'))(ask())).toBeInstanceOf(Response)
})

describe('what is thrown', () => {
  test('becomes a problem, and tells the client nothing of it', async () => {
    const handle = toFetch(() => {
      throw new Error('secret')
    })
    const seen = await failuresOf(async () => {
      const response = await handle(ask())
      expect(response.status).toBe(500)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(await response.json()).toEqual({ title: 'Something went wrong in the gateway', status: 500, code: 'INTERNAL' })
    })
    expect(seen).toEqual([new Error('secret')])
  })

  test('later becomes one too', async () => {
    const handle = toFetch(async () => {
      await settle()
      throw new GatewayError('NO_ENDPOINT', { headers: { 'retry-after': '3' } })
    })
    const response = await handle(ask())
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3'])
  })

  test.each<[string, Handler]>([
    ['no reply', () => undefined as never],
    ['a status that is none', () => Object.assign(text('x'), { status: 42 })],
    ['a body that is none', () => Object.assign(text('x'), { body: 42 as never })],
    ['a header that HTTP does not allow', () => rawHeader('x-bad', 'a\nb')],
  ])('%s becomes a 500', async (_what, handler) => {
    const { handle, ends } = watched(handler)
    const response = await handle(ask())
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ status: 500 })
    expect(ends).toMatchObject([{ outcome: 'finished', status: 500 }])
  })
})

function rawHeader(name: string, value: string) {
  const reply = empty()
  ;(reply.headers.raw as string[]).push(name, value)
  return reply
}

describe('a request', () => {
  test('is canonical', async () => {
    const { handle, contexts } = watched(() => empty())
    await handle(ask('http://EXAMPLE.test:80/a/%7eb/%c3%a4?x=1&y=%20', { method: 'put' }))
    const { method, url, target, protocol, kind } = contexts[0]!.request
    expect({ method, target, protocol, kind }).toEqual({
      method: 'PUT',
      target: '/a/%7eb/%c3%a4?x=1&y=%20',
      protocol: '1.1',
      kind: 'request',
    })
    expect(url).toEqual({ scheme: 'http', host: 'example.test', port: undefined, path: '/a/~b/%C3%A4', search: '?x=1&y=%20' })
  })

  test('knows scheme and port', async () => {
    const { handle, contexts } = watched(() => empty())
    await handle(ask('https://a.test:8443/x'))
    await handle(ask('https://[2001:DB8::0:1]/'))
    expect(contexts.map(({ request: { url } }) => [url.scheme, url.host, url.port])).toEqual([
      ['https', 'a.test', 8443],
      ['https', '[2001:db8::1]', undefined],
    ])
  })

  test('has the host of its Host field, whatever host its URL names', async () => {
    const { handle, contexts } = watched(() => empty())
    await handle(ask('http://localhost:3000/x', { headers: { host: 'shop.example' } }))
    const { url, headers } = contexts[0]!.request
    expect([url.host, url.port, headers.getAll('host')]).toEqual(['shop.example', undefined, ['shop.example']])
  })

  test('gets the Host field that its URL stands for', async () => {
    const { handle, contexts } = watched(() => empty())
    await handle(ask('http://a.test:81/x'))
    expect(contexts[0]!.request.headers.get('host')).toBe('a.test:81')
  })

  test('keeps its fields, and drops those that Connection nominates', async () => {
    const { handle, contexts } = watched(() => empty())
    const headers = { accept: 'text/*', cookie: 'a=1; b=2', connection: 'close, x-user', 'x-user': 'root' }
    await handle(ask('http://a.test/', { headers }))
    const seen = contexts[0]!.request.headers
    expect(Object.fromEntries(seen)).toEqual({ host: 'a.test', accept: 'text/*', cookie: 'a=1; b=2', connection: 'close' })
  })

  test.each([
    ['http://a.test/a//b', 'BAD_TARGET', /paths\.doubleSlash lets it through/],
    ['http://a.test/a%2Fb', 'BAD_TARGET', /paths\.encodedSlash/],
    ['http://a.test/a%5Cb', 'BAD_TARGET', /paths\.encodedBackslash/],
    ['http://a.test/%zz', 'BAD_TARGET', /two hex digits/],
    ['http://a.test/%00', 'BAD_TARGET', /control byte/],
    ['http://a.test/#top', 'BAD_TARGET', /fragment/],
    ['http://a.test/?q#top', 'BAD_TARGET', /fragment/],
    ['http://a.test/..;/x', 'BAD_TARGET', /semicolon/],
    ['ftp://a.test/', 'BAD_TARGET', /slash/],
    ['http://a.test*/', 'BAD_HOST', /host name/],
  ])('%s is refused before a layer sees it', async (url, code, detail) => {
    const { handle, contexts } = watched(() => empty())
    let response: Response | undefined
    const seen = await failuresOf(async () => {
      response = await handle(ask(url))
    })
    expect(response!.status).toBe(400)
    expect(await response!.json()).toMatchObject({ code, detail: expect.stringMatching(detail) })
    expect(contexts).toEqual([])
    expect(seen).toMatchObject([{ code }])
  })

  test('of a doubtful path is let through where that is switched on', async () => {
    const { handle, contexts } = watched(() => empty(), {
      paths: { doubleSlash: true, encodedSlash: true, encodedBackslash: true },
    })
    await handle(ask('http://a.test/a//b%2fc%5cd'))
    expect(contexts[0]!.request.url.path).toBe('/a//b%2Fc%5Cd')
  })

  test('has lost what a Request resolves by itself: this is what is left', async () => {
    const { handle, contexts } = watched(() => empty())
    await handle(ask("http://a.test/x/../a\\b/%2e%2e/c?q='"))
    expect(contexts[0]!.request.target).toBe('/a/c?q=%27')
  })

  // A Request cannot be made with these; a host may have objects of its own that have them.
  test.each(['TRACE', 'CONNECT'])('%s is refused', async (method) => {
    const { handle, contexts } = watched(() => empty())
    const request = Object.defineProperty(ask(), 'method', { value: method })
    const response = await handle(request)
    expect(await problemIn(response)).toEqual([501, 'METHOD_NOT_IMPLEMENTED'])
    expect(contexts).toEqual([])
  })
})

test('a request whose fields cannot be read is answered too', async () => {
  const { handle, contexts, ends } = watched(() => empty())
  const headers = {
    has: () => {
      throw new TypeError('invalid header value')
    },
  }
  const response = await handle(Object.defineProperty(ask(), 'headers', { value: headers }))
  expect(await problemIn(response)).toEqual([500, 'INTERNAL'])
  expect([contexts, ends]).toEqual([[], []])
})

describe('the client', () => {
  interface Env {
    readonly peer: string | null
  }
  const client = (_: Request, env: Env) => env.peer

  test('is who the option says, in its one spelling', async () => {
    const { handle, contexts } = watched<Env>(() => empty(), { client })
    await handle(ask(), { peer: '::ffff:10.1.2.3' })
    expect(contexts[0]!.request.client).toEqual({ address: '10.1.2.3', peer: '10.1.2.3', viaTrustedProxy: false })
  })

  test('is nobody where nobody knows', async () => {
    const { handle, contexts } = watched<Env>(() => empty(), { client })
    await handle(ask(), { peer: null })
    await toFetch((ctx) => {
      contexts.push(ctx)
      return empty()
    })(ask('http://a.test/', { headers: { 'x-forwarded-for': '1.2.3.4' } }))
    expect(contexts.map(({ request }) => request.client.address)).toEqual(['', ''])
  })

  test('behind a trusted proxy is the one whom that names, and so is the scheme', async () => {
    const { handle, contexts } = watched<Env>(() => empty(), { client, trustedProxies: ['10.0.0.0/8'] })
    const headers = { 'x-forwarded-for': '6.6.6.6, 1.2.3.4', 'x-forwarded-proto': 'https' }
    await handle(ask('http://a.test/', { headers }), { peer: '10.0.0.1' })
    await handle(ask('http://a.test/', { headers }), { peer: '11.0.0.1' })
    expect(contexts.map(({ request: { client, url } }) => [client.address, client.viaTrustedProxy, url.scheme])).toEqual([
      ['1.2.3.4', true, 'https'],
      ['11.0.0.1', false, 'http'],
    ])
  })

  test('behind so many proxies is found without knowing who connects', async () => {
    const { handle, contexts } = watched(() => empty(), { trustedProxies: 1 })
    await handle(ask('http://a.test/', { headers: { 'x-forwarded-for': '6.6.6.6, 1.2.3.4' } }))
    expect(contexts[0]!.request.client).toEqual({ address: '1.2.3.4', peer: '', viaTrustedProxy: true })
  })

  test('that cannot be told is an error of ours', async () => {
    const { handle, contexts } = watched(() => empty(), {
      client: () => {
        throw new Error('no such socket')
      },
    })
    const response = await handle(ask())
    expect(await problemIn(response)).toEqual([500, 'INTERNAL'])
    expect(contexts).toEqual([])
  })
})

describe('a handshake', () => {
  const handshake = { headers: { upgrade: 'WebSocket', connection: 'Upgrade' } }

  test('runs the same layers, and cannot be agreed to', async () => {
    let taken = 0
    const { handle, contexts, ends } = watched(() => ({ ...empty(), upgrade: () => void taken++ }))
    const response = await handle(ask('http://a.test/ws', handshake))
    expect(contexts[0]!.request.kind).toBe('upgrade')
    expect(await problemIn(response)).toEqual([501, 'UPGRADE_UNSUPPORTED'])
    expect(taken).toBe(0)
    expect(ends).toMatchObject([{ outcome: 'finished', status: 501 }])
  })

  test('is refused as any request is', async () => {
    const response = await toFetch(() => problem({ status: 401, title: 'Who are you?' }))(ask('http://a.test/ws', handshake))
    expect(response.status).toBe(401)
  })

  test('that nobody began is a mistake of the handler', async () => {
    const response = await toFetch(() => ({ ...empty(), upgrade: () => {} }))(ask())
    expect(await problemIn(response)).toEqual([500, 'BAD_REPLY'])
  })
})

describe('work in the background', () => {
  test('is told to the host by waitUntil, with what came along with the request', async () => {
    const waiting: [unknown, Promise<void>][] = []
    let done = false
    const handle = toFetch(
      (ctx) => {
        const taken = ctx.background(async () => {
          await settle()
          done = true
        })
        return json({ taken })
      },
      { waitUntil: (work, env: string) => void waiting.push([env, work]) },
    )
    expect(await (await handle(ask(), 'env')).json()).toEqual({ taken: true })
    expect([waiting[0]?.[0], done]).toEqual(['env', false])
    await waiting[0]?.[1]
    expect(done).toBe(true)
  })

  test('is waited for by settled, with what it begins itself', async () => {
    let done = 0
    const handle = toFetch((ctx) => {
      ctx.background(async (later) => {
        await settle()
        later.background(async () => {
          await settle()
          done++
        })
      })
      ctx.background(async () => {
        throw new Error('lost')
      })
      return empty()
    })
    await handle.settled()
    await handle(ask())
    await handle.settled()
    expect(done).toBe(1)
  })

  test('goes on where waitUntil throws', async () => {
    const warnings: Error[] = []
    const listen = (warning: Error) => void warnings.push(warning)
    process.on('warning', listen)
    let done = false
    const handle = toFetch(
      (ctx) => {
        ctx.background(async () => {
          done = true
        })
        return empty()
      },
      {
        waitUntil: () => {
          throw new Error('too late')
        },
      },
    )
    expect((await handle(ask())).status).toBe(204)
    await handle.settled()
    await settle()
    process.off('warning', listen)
    expect(done).toBe(true)
    expect(warnings.map(({ message }) => message)).toEqual(['waitUntil threw: Error: too late'])
  })
})

test('an interim answer is left out', async () => {
  const handle = toFetch((ctx) => {
    ctx.inform(103, text('').headers)
    return text('done')
  })
  expect(await (await handle(ask())).text()).toBe('done')
})
