import { once } from 'node:events'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type EventMap, HeaderList, sourceOf, subscribe, text } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, calls, type Origin, origins, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

type Attempted = EventMap['upstream:attempted']

test('each attempt is told of: which endpoint, the how manieth, how it went', async () => {
  await using farm = await origins(2)
  await farm.stop(0)
  const told: Attempted[] = []
  const unsubscribe = subscribe('upstream:attempted', (event) => void told.push(event))
  const outcome = ({ endpoint, attempt, outcome: { kind, status }, error }: Attempted) => [
    endpoint.id,
    attempt,
    kind,
    status,
    (error as { code?: string } | undefined)?.code,
  ]
  await (await call(proxy(ledger(farm.urls)), '/')).bytes()
  expect(told.splice(0).map(outcome)).toEqual([
    ['0', 0, 'failure', 502, 'UPSTREAM_CONNECT_FAILED'],
    ['1', 1, 'success', 200, undefined],
  ])
  await call(proxy(ledger([{ handler: () => text('no', 404) }])), '/')
  expect(told.splice(0).map(outcome)).toEqual([['0', 0, 'success', 404, undefined]])
  await call(proxy(ledger([farm.urls[0] as string])), { kind: 'upgrade' })
  expect(told.splice(0).map(outcome)).toEqual([['0', 0, 'failure', 502, 'UPSTREAM_CONNECT_FAILED']])
  await using reusing = await origins(1)
  ;(reusing.servers[0] as Origin).fault = { kind: 'close-on-reuse', times: 1 }
  await calls(proxy(ledger(reusing.urls)), 2)
  expect(told.splice(0).map(outcome)).toEqual([
    ['0', 0, 'success', 200, undefined],
    ['0', 0, 'cancelled', 502, 'UPSTREAM_RESET'],
    ['0', 1, 'success', 200, undefined],
  ])
  unsubscribe()
})

test('the latency that a balancer learns is that to the head, not to the end', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0] as Origin
  origin.fault = { kind: 'hang-mid-body' }
  const balancer = ledger(farm.urls)
  const reply = await call(proxy(balancer), '/')
  expect(balancer.entries[0]?.outcomes).toHaveLength(1)
  expect(balancer.open).toBe(1)
  origin.release()
  await reply.bytes()
  expect(balancer.entries[0]?.outcomes).toHaveLength(1)
  expect(balancer.open).toBe(0)
})

test('a balancer that throws when it is told costs a warning, and no request', async () => {
  await using farm = await origins(1)
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  const given = ledger(farm.urls)
  const balancer = {
    acquire: (ask: Parameters<typeof given.acquire>[0]) => {
      const lease = given.acquire(ask)
      if (!('endpoint' in lease)) throw new Error('no lease')
      return { ...lease, answered: fail, release: fail }
    },
    close: () => Promise.resolve(),
  }
  const fail = () => {
    throw new Error('no')
  }
  const handler = proxy(balancer)
  const statuses: number[] = []
  for (const kind of [undefined, 'reset-before-headers', 'refuse'] as const) {
    ;(farm.servers[0] as Origin).fault = kind && { kind }
    const reply = await call(handler, '/')
    await reply.bytes()
    statuses.push(reply.status, (await call(handler, { kind: 'upgrade' })).status)
  }
  expect(statuses).toEqual([200, 200, 502, 502, 502, 502])
  await turn()
  process.off('warning', onWarning)
  expect(warnings.length).toBeGreaterThanOrEqual(6)
  expect(warnings.every(({ name, message }) => name === 'GateletWarning' && message.includes('a balancer threw'))).toBe(true)
})

test('what HTTP does not allow, put past the checks of a header list or a path, is an error of ours; nobody is asked or blamed', async () => {
  await using farm = await origins(1)
  const changes = [
    { headers: HeaderList.fromRaw(['x-bad', 'a\r\nx-evil: 1']) },
    { headers: HeaderList.fromRaw(['x bad', 'a']) },
    { headers: HeaderList.fromRaw(['x-bad', 'a\u0100']) },
    { method: 'GET /evil HTTP/1.1\r\n' },
  ]
  for (const change of changes) {
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer)
    const reply = await call((ctx) => handler(ctx.withRequest(change)), '/')
    expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([500, 'INTERNAL'])
    expect(balancer.kinds).toEqual(['cancelled'])
    expect(balancer.open).toBe(0)
  }
  expect(farm.hits).toBe(0)
})

test.each([undefined, 'upgrade'] as const)(
  'an endpoint that speaks no HTTP is an error of ours, and costs no lease (%s)',
  async (kind) => {
    for (const http2 of [false, true]) {
      const balancer = ledger(['tcp://127.0.0.1:1'])
      const reply = await call(proxy(balancer, { http2 }), kind ? { kind } : '/')
      expect([reply.status, (await reply.json<{ code: string }>()).code]).toEqual([500, 'INTERNAL'])
      expect(balancer.entries.map(({ releases }) => releases)).toEqual([1])
    }
  },
)

test('a place at another server is told to the client, and not followed', async () => {
  await using farm = await origins(2, {
    handler: (_, res) => void res.writeHead(302, { location: 'http://127.0.0.1:1/x' }).end(),
  })
  const reply = await call(proxy(farm.urls[0] as string), { headers: { authorization: 'Bearer x' } })
  expect([reply.status, reply.headers.get('location')]).toEqual([302, 'http://127.0.0.1:1/x'])
  expect(farm.hits).toBe(1)
})

test('an endpoint on a Unix socket is reached, by requests and by handshakes', async () => {
  const path = join(tmpdir(), `gatelet-proxy-${process.pid}.sock`)
  const server = createServer((req, res) => res.end(`${req.headers.host} ${req.url}`))
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'))
  server.listen(path)
  await once(server, 'listening')
  const balancer = ledger([{ origin: new URL('http://api.internal/v1/'), socketPath: path }])
  const handler = proxy(balancer)
  expect(await (await call(handler, '/x')).text()).toBe('api.internal /v1/x')
  expect(await (await call(handler, { kind: 'upgrade' })).text()).toBe('no')
  await handler.close()
  server.close()
})

test('a name that nobody knows is 502', async () => {
  const handler = proxy('http://nobody.invalid:1')
  expect((await call(handler, '/')).status).toBe(502)
  expect((await call(handler, { kind: 'upgrade' })).status).toBe(502)
})

test('one answer may be resumed while another is read', async () => {
  const size = 2_000_000
  await using farm = await origins(1, { handler: (_, res) => void res.end(Buffer.alloc(size)) })
  const handler = proxy(farm.urls[0] as string)
  const [a, b] = await Promise.all([call(handler, '/a'), call(handler, '/b')])
  const counts = { a: 0, b: 0 }
  await new Promise<void>((resolve, reject) => {
    let isPaused = false
    const second = sourceOf(b.body).pipeTo({
      write(chunk) {
        counts.b += chunk.byteLength
        isPaused = true
        return false
      },
      end: () => {
        if (counts.a === size) resolve()
      },
      fail: reject,
    })
    sourceOf(a.body).pipeTo({
      write(chunk) {
        counts.a += chunk.byteLength
        // In the middle of undici's parser, which works for the first.
        if (isPaused) second.resume()
        return true
      },
      end: () => {
        const goOn = () => {
          second.resume()
          if (counts.b < size) setImmediate(goOn)
          else resolve()
        }
        goOn()
      },
      fail: reject,
    })
  })
  expect(counts).toEqual({ a: size, b: size })
})

test('a head that comes in pieces is put together', async () => {
  const head =
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-One: first value\r\nX-Two:\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok'
  let pieceLength = 1
  await using server = await rawServer(async (connection) => {
    await connection.read('\r\n\r\n')
    for (let at = 0; at < head.length; at += pieceLength) {
      connection.write(head.slice(at, at + pieceLength))
      await turn()
    }
    connection.end()
  })
  const handler = proxy(server.url, { via: false })
  for (pieceLength of [1, 2, 7, 40]) {
    const reply = await call(handler, '/')
    expect([...reply.headers]).toEqual([
      ['Content-Type', 'text/plain'],
      ['X-One', 'first value'],
      ['X-Two', ''],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
      ['Content-Length', '2'],
    ])
    expect(await reply.text()).toBe('ok')
  }
  await handler.close()
})
