import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Context, HeaderList, type Layer, type Reply, switchProtocols, text } from '@gatelet/core'
import { type AttachOptions, attach } from '@gatelet/node'
import { rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { head } from './serving.ts'

/** A server with an application of its own. */
async function application(server: Server = createServer(app)) {
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const get = async (path: string, fields = '') =>
    (await rawRequest(port, head(`GET ${path}`, `Connection: close\r\n${fields}`))).responses.map(({ text }) => text)
  return {
    server,
    port,
    get,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function app(req: IncomingMessage, res: ServerResponse): void {
  res.end(`app ${req.url}`)
}

const ours: Layer = (ctx: Context) => text(`ours ${ctx.request.url.path}`)

describe('attach with a mount', () => {
  test.for<[string, 'ours' | 'app']>([
    ['/api', 'ours'],
    ['/api/', 'ours'],
    ['/api?x=/', 'ours'],
    ['/api/a/b', 'ours'],
    ['/%61pi/x', 'ours'],
    ['/other/../api/x', 'ours'],
    ['/apix', 'app'],
    ['/', 'app'],
    ['/other?next=/api/', 'app'],
    ['/api/../other', 'app'],
    ['/API', 'app'],
  ])('%s is answered once, by %s', async ([path, owner]) => {
    await using it = await application()
    attach(it.server, ours, { mount: '/api' })
    const answers = await it.get(path)
    expect(answers).toHaveLength(1)
    expect(answers[0]).toMatch(new RegExp(`^${owner}`))
  })

  test('the handler sees the whole path', async () => {
    await using it = await application()
    attach(it.server, ours, { mount: '/api/' })
    expect(await it.get('/api/x')).toEqual(['ours /api/x'])
  })

  test('what has no canonical form goes by how it looks', async () => {
    await using it = await application()
    attach(it.server, ours, { mount: '/api' })
    expect((await it.get('/api/%zz'))[0]).toContain('BAD_TARGET')
    expect((await it.get('/api//x'))[0]).toContain('BAD_TARGET')
    expect(await it.get('/%zz')).toEqual(['app /%zz'])
  })

  test('listeners that are added later are kept off ours too', async () => {
    await using it = await application(createServer())
    attach(it.server, ours, { mount: '/api' })
    it.server.on('request', app)
    await Promise.resolve()
    expect([await it.get('/api'), await it.get('/x')]).toEqual([['ours /api'], ['app /x']])
  })

  test('of two mounts the longer has it', async () => {
    await using it = await application()
    attach(it.server, () => text('short'), { mount: '/api' })
    attach(it.server, () => text('long'), { mount: '/api/v2' })
    expect([await it.get('/api/v1'), await it.get('/api/v2/x'), await it.get('/x')]).toEqual([['short'], ['long'], ['app /x']])
  })

  test('two at the same path are a mistake', async () => {
    await using it = await application()
    attach(it.server, ours, { mount: '/api' })
    expect(() => attach(it.server, ours, { mount: '/api/' })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path: 'mount', message: expect.stringContaining('/api') }),
    )
  })
})

test('each attachment believes whom it was told to believe', async () => {
  await using it = await application()
  const who: Layer = (ctx: Context) => text(ctx.request.client.address)
  attach(it.server, who, { mount: '/open' })
  attach(it.server, who, { mount: '/behind', trustedProxies: ['127.0.0.1'] })
  await using client = await rawClient(it.port)
  const ask = async (path: string) => {
    client.write(head(`GET ${path}`, 'X-Forwarded-For: 192.0.2.7\r\n'))
    return (await client.response()).text
  }
  expect([await ask('/open'), await ask('/behind'), await ask('/open')]).toEqual(['127.0.0.1', '192.0.2.7', '127.0.0.1'])
})

test('no more header fields are taken than the server lets through', async () => {
  const server = createServer()
  server.maxHeadersCount = 50
  await using it = await application(server)
  attach(it.server, ours)
  expect((await it.get('/x'))[0]).toBe('ours /x')
  expect((await it.get('/x', 'a: b\r\n'.repeat(60)))[0]).toContain('HEADERS_TOO_LARGE')
})

describe('attach to a whole server', () => {
  test('answers everything; the others are not asked', async () => {
    await using it = await application()
    attach(it.server, ours)
    expect([await it.get('/'), await it.get('/a')]).toEqual([['ours /'], ['ours /a']])
  })

  test('leaves timeouts and limits as they are', async () => {
    await using it = await application()
    const before = { ...limits(it.server) }
    attach(it.server, ours)
    expect(limits(it.server)).toEqual(before)
  })

  test('answers what is no HTTP, unless somebody else does', async () => {
    await using it = await application()
    attach(it.server, ours)
    expect((await rawRequest(it.port, 'nonsense\r\n\r\n')).responses[0]?.text).toContain('BAD_REQUEST')
    it.server.on('clientError', (_error, socket: Socket) => socket.end('HTTP/1.1 418 Mine\r\n\r\n'))
    expect((await rawRequest(it.port, 'nonsense\r\n\r\n')).text).toBe('HTTP/1.1 418 Mine\r\n\r\n')
  })

  test('refuses CONNECT, unless somebody else takes it', async () => {
    await using it = await application()
    attach(it.server, ours)
    const connect = 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'
    expect((await rawRequest(it.port, connect)).responses[0]?.status).toBe(501)
    it.server.on('connect', (_req, socket: Socket) => socket.end('HTTP/1.1 200 Mine\r\n\r\n'))
    expect((await rawRequest(it.port, connect)).text).toBe('HTTP/1.1 200 Mine\r\n\r\n')
  })
})

describe('detach', () => {
  test('puts everything back as it was', async () => {
    await using it = await application()
    it.server.on('upgrade', () => {})
    it.server.once('request', () => {})
    const before = listeners(it.server)
    const detach = attach(it.server, ours)
    expect(await it.get('/a')).toEqual(['ours /a'])
    detach()
    detach()
    expect(listeners(it.server)).toEqual(before)
  })

  test('leaves the other attachments', async () => {
    await using it = await application()
    const detach = attach(it.server, () => text('one'), { mount: '/one' })
    attach(it.server, () => text('two'), { mount: '/two' })
    detach()
    expect([await it.get('/one'), await it.get('/two')]).toEqual([['app /one'], ['two']])
  })

  test('lets a request in flight go on', async () => {
    await using it = await application()
    let go: (reply: Reply) => void = () => {}
    const detach = attach(it.server, () => new Promise<Reply>((resolve) => (go = resolve)))
    await using client = await rawClient(it.port)
    client.write(head('GET /'))
    await expect.poll(() => go.length).toBe(1)
    detach()
    go(text('to its end'))
    expect((await client.response()).text).toBe('to its end')
  })

  test('an owner can still remove a listener of its own', async () => {
    await using it = await application(createServer())
    let calls = 0
    const listener = (_req: IncomingMessage, res: ServerResponse) => {
      calls++
      res.end('mine')
    }
    it.server.on('request', listener)
    it.server.once('request', () => calls++)
    attach(it.server, ours, { mount: '/api' })
    expect(it.server.listeners('request')).toContain(listener)
    await it.get('/x')
    await it.get('/x')
    expect(calls).toBe(3)
    it.server.off('request', listener)
    expect(it.server.listeners('request')).not.toContain(listener)
  })
})

describe('expectations beside others', () => {
  const post = (path: string, expectation: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\nExpect: ${expectation}\r\n\r\nhi`

  test('are ours below the mount', async () => {
    await using it = await application()
    attach(it.server, ours, { mount: '/api' })
    expect((await rawRequest(it.port, post('/api', '100-continue'))).responses.map(({ status }) => status)).toEqual([200])
    expect((await rawRequest(it.port, post('/api', 'foo'))).responses.map(({ status }) => status)).toEqual([417])
  })

  test('are met elsewhere as Node does it', async () => {
    await using it = await application()
    attach(it.server, ours, { mount: '/api' })
    expect((await rawRequest(it.port, post('/x', '100-continue'))).responses.map(({ status }) => status)).toEqual([100, 200])
    expect((await rawRequest(it.port, post('/x', 'foo'))).responses.map(({ status }) => status)).toEqual([417])
  })

  test('are left to who listens for them', async () => {
    await using it = await application()
    it.server.on('checkContinue', (_req, res) => res.writeHead(202).end())
    attach(it.server, ours, { mount: '/api' })
    expect((await rawRequest(it.port, post('/x', '100-continue'))).responses.map(({ status }) => status)).toEqual([202])
    expect((await rawRequest(it.port, post('/api', '100-continue'))).responses.map(({ status }) => status)).toEqual([200])
  })
})

describe('upgrades beside others', () => {
  const handshake = (path: string) => head(`GET ${path}`, 'Connection: Upgrade\r\nUpgrade: websocket\r\n')
  const socketLayer: Layer = () => ({
    status: 101,
    headers: new HeaderList({ 'x-by': 'ours' }),
    body: null,
    upgrade(socket, _head, headers) {
      switchProtocols(socket, headers)
      socket.end()
    },
  })
  const statuses = async (port: number, path: string) =>
    (await rawRequest(port, handshake(path), { responses: 1 })).responses.map(({ status, headers }) => [
      status,
      headers.get('x-by'),
    ])

  test('go to the one or the other', async () => {
    await using it = await application()
    it.server.on('upgrade', (_req, socket: Socket) => socket.end('HTTP/1.1 101 Theirs\r\nx-by: theirs\r\n\r\n'))
    attach(it.server, socketLayer, { mount: '/api' })
    expect([await statuses(it.port, '/api'), await statuses(it.port, '/x')]).toEqual([[[101, 'ours']], [[101, 'theirs']]])
  })

  test.each([
    ['before', true],
    ['behind', false],
  ])(
    'of a development server (Vite), which lets alone what is not its own, are its own when it listens %s us',
    async (_, isBefore) => {
      await using it = await application()
      const vite = (req: IncomingMessage, socket: Duplex) => {
        if (req.headers['sec-websocket-protocol'] !== 'vite-hmr' || req.url !== '/') return
        socket.end('HTTP/1.1 101 Theirs\r\nx-by: vite\r\n\r\n')
      }
      if (isBefore) it.server.on('upgrade', vite)
      attach(it.server, socketLayer, { mount: '/api' })
      if (!isBefore) it.server.on('upgrade', vite)
      const hmr = head('GET /', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: vite-hmr\r\n')
      const { responses } = await rawRequest(it.port, hmr, { responses: 1 })
      expect(responses[0]?.headers.get('x-by')).toBe('vite')
      expect(await statuses(it.port, '/api')).toEqual([[101, 'ours']])
      expect(await (await fetch(`http://127.0.0.1:${it.port}/x`)).text()).toBe('app /x')
    },
  )

  test('that are nobody’s are served as plain requests, as if we were not there', async () => {
    await using it = await application()
    attach(it.server, socketLayer, { mount: '/api' })
    const { responses } = await rawRequest(it.port, handshake('/x'), { responses: 1 })
    expect(responses[0]?.text).toBe('app /x')
  })
})

test.for<[string, AttachOptions, string, string]>([
  ['mount', { mount: 'api' }, 'mount', 'a path in its canonical form, such as /api'],
  ['mount', { mount: '/a/../b' }, 'mount', 'canonical form'],
  ['mount', { mount: '/a?b' }, 'mount', 'canonical form'],
  ['mount', { mount: 5 as never }, 'mount', 'canonical form'],
  ['clock', { clock: {} as never }, 'clock', 'a clock'],
  ['trustedProxies', { trustedProxies: ['nobody'] }, 'trustedProxies[0]', 'CIDR range'],
  ['paths', { paths: { doubleSlash: 1 as never } }, 'paths.doubleSlash', 'true or false'],
  ['an unknown option', { mounts: '/x' } as never, 'mounts', 'did you mean mount?'],
])('a bad %s is refused at once', ([, options, path, message]) => {
  expect(() => attach(createServer(), ours, options)).toThrow(
    expect.objectContaining({ code: 'BAD_OPTION', path, message: expect.stringContaining(message) }),
  )
})

test.for([undefined, null, {}, 'x'])('%s is no handler', (layer) => {
  expect(() => attach(createServer(), layer as never)).toThrow(
    expect.objectContaining({
      code: 'BAD_OPTION',
      path: 'layer',
      message: expect.stringContaining('a handler, a layer or a chain'),
    }),
  )
})

function limits({ keepAliveTimeout, headersTimeout, requestTimeout, timeout, maxHeadersCount, maxConnections }: Server) {
  return { keepAliveTimeout, headersTimeout, requestTimeout, timeout, maxHeadersCount, maxConnections }
}

function listeners(server: Server) {
  return server.eventNames().map((name) => [name, server.rawListeners(name)])
}
