import { proxy } from '@gatelet/proxy'
import { call, type Origin, origins, rawServer, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withDeadline } from '../src/deadline-header.ts'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

describe('a request body that is too long', () => {
  test('by its length is 413, and nobody is asked', async () => {
    await using farm = await origins(1)
    const upload = trickle(11)
    const handler = proxy(farm.urls[0] as string, { maxRequestBytes: 10 })
    const reply = await call(handler, { method: 'POST', body: upload.body })
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([413, 'BODY_TOO_LARGE'])
    expect(upload.isCancelled()).toBe(true)
    expect((await call(handler, { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413)
    expect(farm.hits).toBe(0)
    expect((await call(handler, { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200)
  })

  test('as it comes is 413, the upstream sees it broken off, and is not blamed nor asked again', async () => {
    await using farm = await origins(2)
    const [origin, other] = farm.servers as [Origin, Origin]
    const balancer = ledger(farm.urls)
    const upload = trickle()
    const answering = call(proxy(balancer, { maxRequestBytes: 10 }), { method: 'PUT', body: upload.body })
    upload.push('hello')
    await origin.when(() => origin.requests[0]?.bodyBytes === 5)
    upload.push('worlds')
    expect((await answering).status).toBe(413)
    await origin.when(() => origin.requests[0]?.aborted)
    expect(balancer.kinds).toEqual(['cancelled'])
    expect(balancer.open).toBe(0)
    expect(upload.isCancelled()).toBe(true)
    expect(other.hits).toBe(0)
  })

  test('after the answer began, breaks the answer off', async () => {
    await using farm = await origins(1, {
      handler: (req, res) => {
        res.writeHead(200).write('early')
        req.resume()
      },
    })
    const upload = trickle()
    const answering = call(proxy(farm.urls[0] as string, { maxRequestBytes: 10 }), { method: 'POST', body: upload.body })
    upload.push('hello')
    const reply = await answering
    expect(reply.status).toBe(200)
    upload.push('worlds')
    await expect(reply.bytes()).rejects.toMatchObject({ code: 'BODY_TOO_LARGE' })
  })

  test('is as long as is allowed, and goes', async () => {
    await using farm = await origins(1)
    const upload = trickle()
    const answering = call(proxy(farm.urls[0] as string, { maxRequestBytes: 10 }), { method: 'POST', body: upload.body })
    upload.push('hello')
    upload.push('world')
    upload.end()
    expect((await answering).status).toBe(200)
    expect(farm.servers[0]?.requests[0]?.body.toString()).toBe('helloworld')
  })
})

describe('a response body that is too long', () => {
  test('by its length is 502, asked for once, and not held against the endpoint', async () => {
    await using farm = await origins(2, {
      handler: (_, res) => void res.writeHead(200, { 'content-length': 11 }).end('helloworlds'),
    })
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { maxResponseBytes: 10 })
    const reply = await call(handler, '/')
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([502, 'RESPONSE_TOO_LARGE'])
    expect(balancer.kinds).toEqual(['cancelled'])
    expect(balancer.open).toBe(0)
    expect(farm.hits).toBe(1)
    expect((await call(handler, { method: 'HEAD' })).status).toBe(200)
  })

  test('as it comes is broken off, for the upstream too', async () => {
    await using server = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      connection.write('6\r\nworlds\r\n')
      await connection.closed
    })
    const balancer = ledger([server.url])
    const reply = await call(proxy(balancer, { maxResponseBytes: 10 }), '/')
    expect(reply.status).toBe(200)
    await expect(reply.bytes()).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect(balancer.open).toBe(0)
    expect(balancer.kinds).toEqual(['success'])
  })

  test('is as long as is allowed, and comes', async () => {
    await using farm = await origins(1, { handler: (_, res) => void res.end('helloworld') })
    expect(await (await call(proxy(farm.urls[0] as string, { maxResponseBytes: 10 }), '/')).text()).toBe('helloworld')
  })
})

describe('the deadline', () => {
  test('is told to the upstream, less with each attempt', async () => {
    await using farm = await origins(2)
    const [first, second] = farm.servers as [Origin, Origin]
    first.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const timeouts = { totalMs: 5_000, attemptMs: 3_000 }
    const handler = proxy(ledger(farm.urls), { clock, timeouts, deadlineHeader: 'x-request-timeout-ms' })
    const answering = call(handler, { headers: { 'X-Request-Timeout-Ms': '999999' } })
    await first.when(() => first.hits === 1)
    await clock.advance(3_000)
    expect((await answering).status).toBe(200)
    expect([first, second].map(({ requests }) => requests[0]?.headers['x-request-timeout-ms'])).toEqual(['3000', '2000'])
  })

  test('of a layer counts, and the shorter one of the client', async () => {
    await using farm = await origins(1)
    const clock = virtualClock()
    const handler = proxy(farm.urls[0] as string, { clock, deadlineHeader: 'grpc-timeout' })
    await call((ctx) => handler(ctx.withDeadline(700)), '/', { clock })
    await call(handler, { headers: { 'grpc-timeout': '2S' } })
    expect(farm.servers[0]?.requests.map(({ headers }) => headers['grpc-timeout'])).toEqual(['700m', '2000m'])
  })

  test('is written once, at least 1 ms, never longer than it was; others fields stay', () => {
    const names = ['grpc-timeout', 'x-timeout']
    const values = fc.oneof(fc.string(), fc.stringMatching(/^\d{1,8}[HMSmun]?$/))
    fc.assert(
      fc.property(fc.constantFrom(...names), values, fc.double({ min: -10, max: 1e12, noNaN: true }), (name, value, leftMs) => {
        const fields = withDeadline(['a', '1', name.toUpperCase(), value, 'b', '2'], name, leftMs)
        expect(fields.slice(0, 5)).toEqual(['a', '1', 'b', '2', name])
        const [, digits, unit] = /^(\d+)([mS]?)$/.exec(fields[5] as string) ?? []
        const ms = Number(digits) * (unit === 'S' ? 1_000 : 1)
        expect(ms).toBeGreaterThanOrEqual(1)
        expect(ms).toBeLessThanOrEqual(Math.max(1, leftMs))
        if (name === 'grpc-timeout') expect(fields[5]).toMatch(/^\d{1,8}[mS]$/)
      }),
      { seed: 5, numRuns: 1_000 },
    )
  })

  test('is not told unless wished for', async () => {
    await using farm = await origins(1)
    await call(proxy(farm.urls[0] as string), { headers: { 'grpc-timeout': '2S' } })
    expect(farm.servers[0]?.requests[0]?.headers['grpc-timeout']).toBe('2S')
  })
})

test('a range passes, and its answer comes as it was given', async () => {
  await using farm = await origins(1, {
    handler: (req, res) => {
      expect([req.headers.range, req.headers['if-range']]).toEqual(['bytes=0-4', '"a"'])
      res.writeHead(206, { 'content-range': 'bytes 0-4/10', 'content-length': 5, 'accept-ranges': 'bytes' }).end('hello')
    },
  })
  const reply = await call(proxy(farm.urls[0] as string), { headers: { range: 'bytes=0-4', 'if-range': '"a"' } })
  expect([reply.status, reply.headers.get('content-range'), reply.headers.get('accept-ranges')]).toEqual([
    206,
    'bytes 0-4/10',
    'bytes',
  ])
  expect(await reply.text()).toBe('hello')
})

test('TLS that hangs in the handshake is told from a connection that does not come about', async () => {
  await using server = await rawServer(async (connection) => {
    await connection.closed
  })
  const clock = virtualClock()
  const answering = call(proxy(server.url.replace('http:', 'https:'), { clock, timeouts: { connectMs: 1_000 } }), '/')
  while (server.connections.length === 0) await clock.advance(0)
  await clock.advance(1_000)
  const reply = await answering
  expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([504, 'UPSTREAM_TLS_TIMEOUT'])
})
