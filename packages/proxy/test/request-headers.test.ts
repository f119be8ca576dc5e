import { type Context, HeaderList } from '@gatelet/core'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type CallRequest, call, calls, origins, rawServer } from '@gatelet/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

type Farm = Awaited<ReturnType<typeof origins>>
let farm: Farm

beforeAll(async () => {
  farm = await origins(1)
})

afterAll(async () => {
  await farm.close()
})

/** What the upstream sees of a request. */
async function seen(request: CallRequest, options: ProxyOptions = {}): Promise<HeaderList> {
  const handler = proxy(farm.urls[0] as string, { via: 'me', ...options })
  const reply = await call(handler, request)
  await reply.bytes()
  expect(reply.status).toBe(200)
  return HeaderList.fromRaw([...(farm.servers[0]?.requests.at(-1)?.rawHeaders ?? [])])
}

const client = (address: string, viaTrustedProxy = false) => ({ address, peer: address, viaTrustedProxy })

describe('fields of one connection', () => {
  const hopByHop = {
    'keep-alive': 'timeout=5',
    'proxy-connection': 'keep-alive',
    'proxy-authorization': 'Basic eA==',
    'proxy-authenticate': 'Basic',
    te: 'gzip',
    trailer: 'x-sum',
    upgrade: 'h2c',
    'http2-settings': 'AAMAAABkAAQAAP__',
  }

  test('stay here', async () => {
    const { 'http2-settings': _, ...names } = hopByHop
    const headers = await seen({ headers: { ...names, 'x-other': 'stays' } })
    for (const name of Object.keys(names)) expect(headers.has(name), name).toBe(false)
    expect(headers.get('connection')).toBe('keep-alive')
    expect(headers.get('x-other')).toBe('stays')
  })

  test('of TE only trailers is passed on', async () => {
    expect((await seen({ headers: { te: 'gzip, Trailers;q=0.5' } })).has('te')).toBe(false)
    expect((await seen({ headers: { te: 'gzip, Trailers' } })).getAll('te')).toEqual(['trailers'])
  })

  test('what Connection still names is not stripped: that is done at the edge, before layers add theirs', async () => {
    const headers = await seen({ headers: { connection: 'close, x-user', 'x-user': 'asserted by a layer' } })
    expect(headers.get('x-user')).toBe('asserted by a layer')
    expect(headers.get('connection')).toBe('keep-alive')
  })
})

describe('Expect', () => {
  test('is not passed on, and the body is sent all the same', async () => {
    const headers = await seen({ method: 'POST', headers: { expect: '100-continue' }, body: 'abc' })
    expect(headers.has('expect')).toBe(false)
    expect(farm.servers[0]?.requests.at(-1)?.body.toString()).toBe('abc')
  })
})

describe('the length', () => {
  test('is that of the body that is sent, whatever a layer left in the field', async () => {
    const headers = await seen({ method: 'POST', headers: { 'Content-Length': '3' }, body: 'four' })
    expect(headers.getAll('content-length')).toEqual(['4'])
  })

  test.each(['DELETE', 'OPTIONS', 'GET'])('a %s without a body has no framing that could be misread', async (method) => {
    const headers = await seen({ method })
    expect(headers.has('transfer-encoding')).toBe(false)
    expect(headers.get('content-length') ?? '0').toBe('0')
  })

  test.each(['GET', 'DELETE', 'OPTIONS'])(
    'the body of a %s is framed once and its connection is not used again',
    async (method) => {
      const handler = proxy(farm.urls[0] as string)
      await calls(handler, 2, { method, body: 'abc' })
      const [first, second] = farm.servers[0]?.requests.slice(-2) ?? []
      expect(HeaderList.fromRaw([...(first?.rawHeaders ?? [])]).getAll('content-length')).toEqual(['3'])
      expect(first?.headers['transfer-encoding']).toBeUndefined()
      expect(first?.body.toString()).toBe('abc')
      expect(second?.connection).not.toBe(first?.connection)
    },
  )

  test('a POST without a body says so', async () => {
    expect((await seen({ method: 'POST' })).get('content-length')).toBe('0')
  })
})

describe('Host', () => {
  test('is by default the name of the upstream', async () => {
    const headers = await seen({ url: 'http://shop.example/x' })
    expect(headers.getAll('host')).toEqual([new URL(farm.urls[0] as string).host])
    expect(headers.get('x-forwarded-host')).toBe('shop.example')
  })

  test('can be one that a layer has given, while the client has called another', async () => {
    const handler = proxy(farm.urls[0] as string, { via: 'me', host: 'preserve', forwarded: 'both' })
    await call((ctx) => handler(ctx.withRequest({ url: { host: 'inner.example' } })), 'https://shop.example/x')
    const headers = farm.servers[0]?.requests.at(-1)?.headers
    expect([headers?.host, headers?.['x-forwarded-host'], headers?.['x-forwarded-proto']]).toEqual([
      'inner.example',
      'shop.example',
      'https',
    ])
    expect(headers?.forwarded).toContain('host=shop.example')
  })

  test('can be that of the client, in its canonical form', async () => {
    const headers = await seen({ headers: { host: 'Shop.Example.:8080' } }, { host: 'preserve' })
    expect(headers.getAll('host')).toEqual(['shop.example:8080'])
  })

  test('can be a name of its own', async () => {
    expect((await seen({}, { host: 'api.internal:99' })).getAll('host')).toEqual(['api.internal:99'])
  })
})

describe('Via', () => {
  test('tells the protocol that the client spoke, and the name', async () => {
    expect((await seen({})).getAll('via')).toEqual(['1.1 me'])
    expect((await seen({ protocol: '1.0' })).getAll('via')).toEqual(['1.0 me'])
    expect((await seen({ protocol: '2' })).getAll('via')).toEqual(['2.0 me'])
  })

  test('keeps what came, in one field', async () => {
    const headers = await seen({
      headers: [
        ['via', '1.0 fred'],
        ['VIA', '1.1 p.example.net (Apache/1.1)'],
      ],
    })
    expect(headers.getAll('via')).toEqual(['1.0 fred, 1.1 p.example.net (Apache/1.1), 1.1 me'])
  })

  test('is left as it came when the proxy has no name', async () => {
    expect((await seen({}, { via: false })).has('via')).toBe(false)
    expect((await seen({ headers: { via: '1.1 me' } }, { via: false })).getAll('via')).toEqual(['1.1 me'])
  })

  test('names each proxy differently by default', async () => {
    const first = await seen({}, { via: `gatelet-${'0'.repeat(8)}` })
    expect(first.get('via')).toBe('1.1 gatelet-00000000')
    const names = new Set<string | undefined>()
    for (let i = 0; i < 3; i++) {
      await call(proxy(farm.urls[0] as string), '/')
      names.add(farm.servers[0]?.requests.at(-1)?.headers['via'] as string)
    }
    expect(names.size).toBe(3)
    for (const name of names) expect(name).toMatch(/^1\.1 gatelet-[0-9a-f]{8}$/)
  })

  test.each([
    [['1.1 me']],
    [['1.1 ME']],
    [['HTTP/1.1 me']],
    [['1.0 fred', '1.1 me']],
    [['1.0 fred, 1.1\tme , 1.1 other']],
    [['1.1 me(comment)']],
    [['1.0 fred (a, (nested) b), 1.1 me (x)']],
    [['1.0 fred (never closed, 1.1 me']],
    [['1.1 fred (a \\) b), 1.1 me']],
  ])('%j has been here: 508, and nobody is asked', async (via) => {
    const before = farm.hits
    const handler = proxy(farm.urls[0] as string, { via: 'me' })
    const reply = await call(handler, { headers: via.map((value) => ['via', value] as const) })
    expect(reply.status).toBe(508)
    expect(farm.hits).toBe(before)
  })

  test.each([
    '1.1 me2',
    '1.1 not-me',
    '1.1 fred (1.1 me)',
    '1.1 fred (a, 1.1 me, b)',
    'me 1.1',
    '1.1 me:8080',
    '1.1 fred (\\), 1.1 me)',
  ])('%j has not', async (via) => {
    expect((await seen({ headers: { via } })).get('via')).toBe(`${via}, 1.1 me`)
  })
})

describe('fields that tell of the client', () => {
  const claims = {
    forwarded: 'for=6.6.6.6',
    'X-Forwarded-For': '6.6.6.6',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-port': '443',
    'x-forwarded-prefix': '/evil',
    'x-forwarded': 'evil',
    'x-real-ip': '6.6.6.6',
    'X-Real-IP': '6.6.6.6',
    x_forwarded_for: '6.6.6.6',
    'x-forwarded_for': '6.6.6.6',
    'x.forwarded.for': '6.6.6.6',
    x_real_ip: '6.6.6.6',
  }

  test('are ours alone when nobody trusts the peer', async () => {
    const headers = await seen({ url: 'http://shop.example/', headers: claims, client: client('203.0.113.7') })
    const told = [...headers].filter(([name]) => /forwarded|real/i.test(name))
    expect(told).toEqual([
      ['x-forwarded-for', '203.0.113.7'],
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'shop.example'],
    ])
  })

  test('go on from a trusted peer, with the peer added', async () => {
    const headers = await seen({
      url: 'https://shop.example/',
      headers: [
        ['x-forwarded-for', '6.6.6.6'],
        ['x-forwarded-for', '10.0.0.2'],
        ['x-forwarded-host', 'public.example'],
        ['x-forwarded-proto', 'https'],
        ['x-forwarded-port', '443'],
        ['x-forwarded-prefix', '/shop'],
        ['x-real-ip', '6.6.6.6'],
        ['forwarded', 'for=6.6.6.6'],
        ['x_forwarded_for', '7.7.7.7'],
      ],
      client: client('10.0.0.1', true),
    })
    const told = [...headers].filter(([name]) => /forwarded|real/i.test(name))
    expect(told).toEqual([
      ['x-forwarded-for', '6.6.6.6, 10.0.0.2, 10.0.0.1'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', 'public.example'],
      ['x-forwarded-port', '443'],
      ['x-forwarded-prefix', '/shop'],
      ['x-real-ip', '6.6.6.6'],
      ['forwarded', 'for=6.6.6.6'],
    ])
  })

  test('Forwarded quotes what needs it (RFC 7239 §4)', async () => {
    const v6 = await seen({ url: 'http://shop.example:8080/', client: client('2001:db8::1') }, { forwarded: 'forwarded' })
    expect(v6.getAll('forwarded')).toEqual(['for="[2001:db8::1]";proto=http;host="shop.example:8080"'])
    expect(v6.has('x-forwarded-for')).toBe(false)
    const v4 = await seen({ url: 'https://shop.example/', client: client('203.0.113.7') }, { forwarded: 'forwarded' })
    expect(v4.getAll('forwarded')).toEqual(['for=203.0.113.7;proto=https;host=shop.example'])
  })

  test('Forwarded of a trusted peer is continued', async () => {
    const headers = { forwarded: 'for=192.0.2.1', 'x-forwarded-for': '192.0.2.1' }
    const request = { url: 'http://shop.example/', headers, client: client('10.0.0.1', true) }
    const told = await seen(request, { forwarded: 'both' })
    expect(told.getAll('forwarded')).toEqual(['for=192.0.2.1, for=10.0.0.1;proto=http;host=shop.example'])
    expect(told.getAll('x-forwarded-for')).toEqual(['192.0.2.1, 10.0.0.1'])
    const none = await seen(request, { forwarded: 'none' })
    expect(none.getAll('forwarded')).toEqual(['for=192.0.2.1'])
    expect(none.getAll('x-forwarded-for')).toEqual(['192.0.2.1'])
  })

  test('none are sent when none are wanted', async () => {
    const headers = await seen({ headers: claims }, { forwarded: 'none' })
    expect([...headers].filter(([name]) => /forwarded|real/i.test(name))).toEqual([])
  })

  test('a peer without an address, as on a Unix socket, is unknown', async () => {
    const handler = proxy(farm.urls[0] as string, { forwarded: 'both' })
    const nameless = (ctx: Context) =>
      handler(Object.create(ctx, { request: { value: { ...ctx.request, client: client('') } } }) as Context)
    await call(nameless, 'http://shop.example/')
    const headers = farm.servers[0]?.requests.at(-1)?.headers
    expect(headers?.['x-forwarded-for']).toBe('unknown')
    expect(headers?.['forwarded']).toBe('for=unknown;proto=http;host=shop.example')
  })
})

describe('all other fields', () => {
  test('pass as they came: bytes above 127, odd names, empty values, several of a name', async () => {
    const fields: [string, string][] = [
      ['X-Latin', 'caf\xe9 \x80\xff'],
      ["!#$%&'*+-.^_`|~0a", 'odd'],
      ['__proto__', 'a'],
      ['Constructor', 'b'],
      ['x-empty', ''],
      ['x-tab', 'a\tb'],
      ['x-twice', '1'],
      ['X-Twice', '2'],
    ]
    const headers = await seen({ headers: fields })
    expect([...headers].filter(([name]) => fields.some(([wanted]) => wanted === name))).toEqual(fields)
  })

  test('cookies that HTTP/2 split are one field again', async () => {
    const headers = await seen({
      protocol: '2',
      headers: [
        ['cookie', 'a=1'],
        ['x-between', 'x'],
        ['cookie', 'b=2'],
        ['cookie', 'c=3'],
      ],
    })
    expect(headers.getAll('cookie')).toEqual(['a=1; b=2; c=3'])
    expect(headers.get('x-between')).toBe('x')
  })

  test('any list that HTTP allows is forwarded, and none of it becomes framing or an error', async () => {
    await using server = await rawServer(async (connection) => {
      for (;;) {
        await connection.read('\r\n\r\n')
        connection.write('HTTP/1.1 204 No Content\r\n\r\n')
      }
    })
    const handler = proxy(server.url, { via: 'me' })
    const char = fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }), fc.constant(9))
    const value = fc.array(char, { maxLength: 12 }).map((codes) => String.fromCharCode(...codes).trim())
    const name = fc.oneof(
      fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/),
      fc.constantFrom(
        'Connection',
        'HOST',
        'Content-length',
        'Transfer-Encoding',
        'expect',
        'Upgrade',
        'TE',
        'Keep-Alive',
        'Cookie',
      ),
    )
    const framing = /^(host|content-length|transfer-encoding|expect|upgrade|keep-alive)$/i
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 8 }), async (fields) => {
        const given = fields.filter(([field]) => field.toLowerCase() !== 'via' && field.toLowerCase() !== 'host')
        const reply = await call(handler, { headers: given })
        expect(reply.status).toBe(204)
        const head =
          server.connections
            .map(({ received }) => received.toString('latin1'))
            .join('')
            .split('\r\n\r\n')
            .at(-2) ?? ''
        const lines = head.split('\r\n').slice(1)
        expect(lines.filter((line) => framing.test(line.split(':')[0] ?? ''))).toHaveLength(1)
      }),
      { numRuns: 150, seed: 7 },
    )
    await handler.close()
  })
})

test('CONNECT and TRACE are not forwarded', async () => {
  const before = farm.hits
  for (const method of ['CONNECT', 'TRACE']) {
    expect((await call(proxy(farm.urls[0] as string), { method })).status).toBe(501)
  }
  expect(farm.hits).toBe(before)
})

test('the path of the upstream is put before that of the request, with one slash between; the query stays byte for byte', async () => {
  const handler = proxy(`${farm.urls[0]}/base/`)
  await call(handler, "/a/b?x=//y&z=http://e.example/?%zz'")
  expect(farm.servers[0]?.requests.at(-1)?.url).toBe("/base/a/b?x=//y&z=http://e.example/?%zz'")
  await call(handler, '/')
  expect(farm.servers[0]?.requests.at(-1)?.url).toBe('/base/')
})
