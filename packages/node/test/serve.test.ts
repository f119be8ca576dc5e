import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bytesOf, chain, json, text } from '@gatelet/core'
import { type ServeOptions, serve } from '@gatelet/node'
import { rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { head, serving, until } from './serving.ts'

describe('serve', () => {
  test('says where it is reached', async () => {
    await using server = await serve(() => text('hello'), { port: 0 })
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    expect(await (await fetch(server.url)).text()).toBe('hello')
    await using six = await serve(() => text('six'), { port: 0, host: '::1' })
    expect(await (await fetch(six.url)).text()).toBe('six')
    expect([six.host, six.url]).toEqual(['::1', `http://[::1]:${six.port}`])
  })

  test('listens where it is told', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    await expect(serve(() => text('x'), { port, host: '127.0.0.1' })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    taken.close()
    await new Promise((resolve) => taken.once('close', resolve))
    await using server = await serve(() => text('x'), { port, host: '127.0.0.1' })
    expect(server.port).toBe(port)
  })

  test('takes a handler, a layer or a chain; whoever asks on gets 404', async () => {
    await using layered = await serving((ctx, next) => (ctx.request.target === '/' ? text('mine') : next(ctx)))
    await using chained = await serving(chain().use((ctx, next) => next(ctx)))
    expect((await fetch(layered.url)).status).toBe(200)
    expect([(await fetch(`${layered.url}/x`)).status, (await fetch(chained.url)).status]).toEqual([404, 404])
  })

  test('counts its connections', async () => {
    await using server = await serving(() => text('x'))
    expect(server.connections).toBe(0)
    await using first = await rawClient(server.port)
    await using _second = await rawClient(server.port)
    await until(() => server.connections === 2)
    await first[Symbol.asyncDispose]()
    await until(() => server.connections === 1)
  })

  test('does not announce a time by which a connection must be used again', async () => {
    await using server = await serving(() => json({}))
    expect((await fetch(server.url)).headers.get('keep-alive')).toBeNull()
  })

  test('survives what a server says when it cannot accept', async () => {
    await using server = await serving(() => text('x'))
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    server.server.emit('error', new Error('accept EMFILE'))
    expect((await warned).message).toContain('accept EMFILE')
    expect((await fetch(server.url)).status).toBe(200)
  })
})

describe('limits', () => {
  test('more than maxConnections are closed at once', async () => {
    await using server = await serving(() => text('x'), { maxConnections: 1 })
    await using first = await rawClient(server.port)
    await until(() => server.connections === 1)
    await using second = await rawClient(server.port)
    await second.left()
    first.write(head('GET /'))
    expect((await first.response()).status).toBe(200)
  })

  test('more than maxConnectionsPerAddress are closed at once', async () => {
    await using server = await serving(() => text('x'), { maxConnectionsPerAddress: 2 })
    await using first = await rawClient(server.port)
    await using _second = await rawClient(server.port)
    await until(() => server.connections === 2)
    await using third = await rawClient(server.port)
    await third.left()
    await first[Symbol.asyncDispose]()
    await until(() => server.connections === 1)
    expect((await fetch(server.url)).status).toBe(200)
  })

  test('maxHeaderBytes', async () => {
    await using server = await serving(() => text('x'), { maxHeaderBytes: 65_536 })
    const long = head('GET /', `X: ${'x'.repeat(30_000)}\r\nConnection: close\r\n`)
    expect((await rawRequest(server.port, long)).responses[0]?.status).toBe(200)
  })
})

describe('a client that is slow', () => {
  test('with its first head gets 408, and others are served meanwhile', async () => {
    await using server = await serving(() => text('x'), { headersTimeoutMs: 200 })
    await using slow = await rawClient(server.port)
    slow.write('GET / HTTP/1.1\r\nHost:')
    expect((await fetch(server.url)).status).toBe(200)
    const response = await slow.response()
    expect([response.status, JSON.parse(response.text).code, response.headers.get('connection')]).toEqual([
      408,
      'REQUEST_TIMEOUT',
      'close',
    ])
    await slow.left()
  })

  test('to ask at all is closed without a word', async () => {
    await using server = await serving(() => text('x'), { headersTimeoutMs: 100 })
    await using silent = await rawClient(server.port)
    expect(await silent.left()).toBe('end')
    expect(silent.received.byteLength).toBe(0)
  })

  test('between two requests is not, by headersTimeoutMs', async () => {
    await using server = await serving(() => text('x'), { headersTimeoutMs: 100 })
    await using client = await rawClient(server.port)
    client.write(head('GET /'))
    await client.response()
    await using silent = await rawClient(server.port)
    await silent.left() // Three looks of the parser's timer have passed by then, at the least.
    client.write(head('GET /'))
    expect((await client.response()).status).toBe(200)
  })

  test('with its body gets 408 after requestTimeoutMs', async () => {
    await using server = await serving(
      async (ctx) => {
        return text(String((await bytesOf(ctx.request.body, 1e6)).byteLength))
      },
      { headersTimeoutMs: 100, requestTimeoutMs: 200 },
    )
    await using client = await rawClient(server.port)
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nbegun')
    expect((await client.response()).status).toBe(408)
    expect(await server.ended(1)).toEqual(['finished 408'])
  })
})

test('a body that never comes, of a request that is answered, ends the connection without a second answer', async () => {
  await using server = await serving(() => text('answered'), { headersTimeoutMs: 100, requestTimeoutMs: 200 })
  await using client = await rawClient(server.port)
  client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nbegun')
  expect((await client.response()).text).toBe('answered')
  await client.left()
  expect(client.received.toString().match(/HTTP\/1/g)).toHaveLength(1)
})

const bad: [string, ServeOptions, string, string][] = [
  ['port', { port: 65_536 }, 'port', 'a whole number from 0 to 65535'],
  ['port', { port: '80' as never }, 'port', 'a whole number'],
  ['host', { host: '' }, 'host', 'a string that is not empty'],
  ['proxyProtocol', { proxyProtocol: {} as never }, 'proxyProtocol.from', 'a list'],
  ['proxyProtocol', { proxyProtocol: { from: [] } }, 'proxyProtocol.from', 'at least 1'],
  ['proxyProtocol', { proxyProtocol: { from: ['10.0.0.0/33'] } }, 'proxyProtocol.from[0]', 'CIDR range'],
  ['keepAliveTimeoutMs', { keepAliveTimeoutMs: 0 }, 'keepAliveTimeoutMs', 'from 1 to'],
  ['headersTimeoutMs', { headersTimeoutMs: 0 }, 'headersTimeoutMs', 'from 1 to'],
  ['headersTimeoutMs', { headersTimeoutMs: 20_000, requestTimeoutMs: 10_000 }, 'headersTimeoutMs', 'at most requestTimeoutMs'],
  ['requestTimeoutMs', { requestTimeoutMs: -1 }, 'requestTimeoutMs', 'from 0 to'],
  ['stallTimeoutMs', { stallTimeoutMs: Number.NaN }, 'stallTimeoutMs', 'from 0 to'],
  ['maxHeaderBytes', { maxHeaderBytes: 100 }, 'maxHeaderBytes', 'from 1024 to'],
  ['maxConnections', { maxConnections: 0 }, 'maxConnections', 'from 1 to'],
  ['maxConnectionsPerAddress', { maxConnectionsPerAddress: 1.5 }, 'maxConnectionsPerAddress', 'a whole number'],
  ['allowHalfClosed', { allowHalfClosed: 'yes' as never }, 'allowHalfClosed', 'true or false'],
  ['trustedProxies', { trustedProxies: ['::ffff:10.0.0.0/8'] }, 'trustedProxies[0]', 'CIDR range'],
  ['paths', { paths: { doubleslash: true } as never }, 'paths.doubleslash', 'did you mean doubleSlash?'],
  ['clock', { clock: Date as never }, 'clock', 'a clock'],
  ['an unknown option', { keepAliveTimeout: 5 } as never, 'keepAliveTimeout', 'did you mean keepAliveTimeoutMs?'],
]

test.for(bad)('a bad %s stops the start', async ([, options, path, message]) => {
  await expect(serve(() => text('x'), options)).rejects.toMatchObject({
    code: 'BAD_OPTION',
    path,
    message: expect.stringContaining(message),
  })
})

test('something that is no handler stops the start', async () => {
  await expect(serve({} as never)).rejects.toMatchObject({ code: 'BAD_OPTION', path: 'layer' })
})
