import { bytesOf, empty, GatewayError, json, text } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { latch, recorder, refusal, runningApi } from './api.ts'

describe('routes', () => {
  test('a message goes to the route that it names, and what names none to $default', async () => {
    const say = recorder()
    const others = recorder()
    await using api = await runningApi({ routes: { say: say.to, $default: others.to } })
    const client = await api.open()
    client.socket.send('{"action":"say","text":"hi"}')
    client.socket.send('{"action":"sing"}')
    client.socket.send('no JSON')
    client.socket.send('{"action":"$connect"}')
    client.socket.send(Buffer.from('{"action":"say"}'))
    await others.some(4)
    expect(say.events.map(({ body }) => body)).toEqual(['{"action":"say","text":"hi"}'])
    expect(others.events.map(({ body, isBase64Encoded }) => [body, isBase64Encoded])).toEqual([
      ['{"action":"sing"}', false],
      ['no JSON', false],
      ['{"action":"$connect"}', false],
      [Buffer.from('{"action":"say"}').toString('base64'), true],
    ])
  })

  test('a message that names its route by something too deep to be written down goes to $default, and so does the next', async () => {
    const others = recorder()
    await using api = await runningApi({ routes: { $default: others.to } })
    const client = await api.open()
    client.socket.send(`{"action":${'['.repeat(60_000)}${']'.repeat(60_000)}}`)
    client.socket.send('{"action":"sing"}')
    const events = await others.some(2)
    expect(events.map(({ body }) => body?.length)).toEqual([120_011, 17])
  })

  test('a message that no route takes gets an error frame', async () => {
    await using api = await runningApi({ routes: { say: () => empty() } })
    const client = await api.open()
    client.socket.send('{"action":"sing"}')
    const [frame] = await client.some(1)
    expect(JSON.parse(String(frame))).toEqual({
      message: 'Forbidden',
      connectionId: expect.stringMatching(/^[\w-]{12}\.[\w-]{24}$/),
      requestId: expect.any(String),
    })
  })

  test('a reply goes back where the route says so: text as text, bytes as bytes, nothing as nothing', async () => {
    await using api = await runningApi({
      routes: {
        text: { to: () => json({ ok: 'ä' }), respond: true },
        bytes: { to: () => ({ ...text(''), body: Buffer.from([0, 255]) }), respond: true },
        nothing: { to: () => empty(200), respond: true },
        quiet: () => text('never'),
        end: { to: () => text('end'), respond: true },
      },
    })
    const client = await api.open()
    for (const action of ['text', 'bytes', 'nothing', 'quiet', 'end']) client.socket.send(JSON.stringify({ action }))
    expect(await client.some(3)).toEqual(['{"ok":"ä"}', Buffer.from([0, 255]), 'end'])
  })

  test('a route can be asked with the message itself, and is told whose it is', async () => {
    const seen: unknown[] = []
    await using api = await runningApi({
      routes: {
        $default: {
          send: 'message',
          respond: true,
          async to({ request }) {
            const { headers, method, url } = request
            seen.push([
              method,
              url.path + url.search,
              headers.get('x-route-key'),
              headers.get('content-type'),
              headers.has('sec-websocket-key'),
            ])
            return { ...text(''), body: await bytesOf(request.body, 1_000) }
          },
        },
      },
    })
    const client = await api.open('/chat?room=1', { headers: { 'x-connection-id': 'forged' } })
    client.socket.send('hello')
    client.socket.send(Buffer.from([1, 2, 255]))
    expect(await client.some(2)).toEqual(['hello', Buffer.from([1, 2, 255])])
    expect(seen).toEqual([
      ['POST', '/chat?room=1', '$default', 'text/plain; charset=utf-8', false],
      ['POST', '/chat?room=1', '$default', 'application/octet-stream', false],
    ])
  })

  test.each([
    ['answers 500', () => empty(500)],
    ['answers 404', () => empty(404)],
    ['throws', () => Promise.reject(new Error('secret'))],
    ['answers too much', () => text('x'.repeat(200_000))],
  ])('a route that %s gives an error frame, and the next message is taken', async (_, fail) => {
    await using api = await runningApi({
      routes: { bad: { to: fail, respond: true }, good: { to: () => text('good'), respond: true } },
    })
    const client = await api.open()
    client.socket.send('{"action":"bad"}')
    client.socket.send('{"action":"good"}')
    const [frame, good] = await client.some(2)
    expect(JSON.parse(String(frame))).toMatchObject({ message: 'Internal server error' })
    expect(String(frame)).not.toContain('secret')
    expect(good).toBe('good')
  })

  test('a route that takes too long is given up', async () => {
    const clock = virtualClock()
    let isAborted = false
    const { done, promise } = latch()
    await using api = await runningApi({
      clock,
      routeTimeoutMs: 1_000,
      routes: {
        $default(ctx) {
          ctx.onAbort(() => {
            isAborted = true
          })
          done()
          return new Promise(() => {})
        },
      },
    })
    const client = await api.open()
    client.socket.send('x')
    await promise
    await clock.advance(1_000)
    expect(JSON.parse(String((await client.some(1))[0]))).toMatchObject({ message: 'Endpoint request timed out' })
    expect(isAborted).toBe(true)
  })

  test('messages of one connection are taken in order, one at a time, and no more are read than may wait', async () => {
    let running = 0
    let most = 0
    const order: number[] = []
    const { done, promise } = latch()
    await using api = await runningApi({
      maxQueued: 4,
      routes: {
        async $default(ctx) {
          most = Math.max(most, ++running)
          const event = JSON.parse(Buffer.from(await bytesOf(ctx.request.body, 10_000)).toString())
          await new Promise((resolve) => setImmediate(resolve))
          order.push(Number(event.body))
          running--
          if (order.length === 300) done()
          return empty()
        },
      },
    })
    const client = await api.open()
    for (let at = 0; at < 300; at++) client.socket.send(String(at))
    await promise
    expect(most).toBe(1)
    expect(order).toEqual(Array.from({ length: 300 }, (_, at) => at))
  })
})

describe('$connect', () => {
  test('sees the handshake, and its answer chooses the subprotocol', async () => {
    const connect = recorder(() => empty({ status: 200, headers: { 'sec-websocket-protocol': 'v2' } }))
    await using api = await runningApi({ routes: { $connect: connect.to, $default: () => empty() } })
    const client = await api.open('/chat?room=1&room=2', { headers: { 'x-tenant': 'a', 'user-agent': 'test' } }, ['v1', 'v2'])
    expect(client.socket.protocol).toBe('v2')
    client.socket.close()
    expect(connect.events[0]).toMatchObject({
      isBase64Encoded: false,
      headers: { 'x-tenant': 'a' },
      queryStringParameters: { room: '2' },
      multiValueQueryStringParameters: { room: ['1', '2'] },
      requestContext: { eventType: 'CONNECT', routeKey: '$connect', identity: { sourceIp: '127.0.0.1', userAgent: 'test' } },
    })
  })

  test.each([401, 403, 429, 500, 302])('refuses by %d, which the client gets', async (status) => {
    await using api = await runningApi({ routes: { $connect: () => json({ why: 'no' }, status), $default: () => empty() } })
    expect(await refusal(api.url)).toEqual([status, '{"why":"no"}'])
    expect(api.api.size).toBe(0)
  })

  test('refuses by what it throws', async () => {
    const refuse = () => Promise.reject(new GatewayError('UPSTREAM_RESET'))
    await using api = await runningApi({ routes: { $connect: refuse, $default: () => empty() } })
    expect((await refusal(api.url))[0]).toBe(502)
    expect(api.api.size).toBe(0)
  })

  test('says nothing of the client when its answer is too long', async () => {
    const connect = () => text('x'.repeat(101))
    await using api = await runningApi({ maxReplyBytes: 100, routes: { $connect: connect, $default: () => empty() } })
    expect((await refusal(api.url))[0]).toBe(502)
    expect(api.api.size).toBe(0)
  })

  test('a message that is posted meanwhile comes first when it is open', async () => {
    const posted: unknown[] = []
    const connect = recorder(async ({ requestContext: { connectionId } }) => {
      posted.push(await api.api.post(connectionId, 'welcome'), await api.api.post(connectionId, Buffer.from([1])))
      posted.push(await api.api.post(connectionId, 'too many'))
      return empty()
    })
    await using api = await runningApi({
      maxEarly: 2,
      routes: { $connect: connect.to, $default: { to: () => text('later'), respond: true } },
    })
    const client = await api.open()
    client.socket.send('x')
    expect(await client.some(3)).toEqual(['welcome', Buffer.from([1]), 'later'])
    expect(posted).toEqual(['done', 'done', 'busy'])
  })

  test('what the authoriser knows stands in every event', async () => {
    const events = recorder()
    const authorizer = async () => ({ principalId: 'ada', plan: 'gold' })
    await using api = await runningApi({
      authorizer,
      routes: { $connect: events.to, $default: events.to, $disconnect: events.to },
    })
    const client = await api.open()
    client.socket.send('x')
    await events.some(2)
    client.socket.close(4001, 'bye')
    await events.some(3)
    const ids = new Set(events.events.map(({ requestContext }) => requestContext.connectionId))
    expect(ids.size).toBe(1)
    expect(events.events.map(({ requestContext }) => [requestContext.eventType, requestContext.authorizer])).toEqual([
      ['CONNECT', await authorizer()],
      ['MESSAGE', await authorizer()],
      ['DISCONNECT', await authorizer()],
    ])
  })
})

describe('$disconnect', () => {
  test('is told of the code, behind the messages that came before', async () => {
    const events = recorder()
    await using api = await runningApi({ routes: { $default: events.to, $disconnect: events.to } })
    const client = await api.open()
    client.socket.send('last')
    client.socket.close(4001, 'bye')
    const [message, end] = await events.some(2)
    expect(message?.body).toBe('last')
    expect(end?.requestContext).toMatchObject({ disconnectStatusCode: 4001, disconnectReason: 'bye', routeKey: '$disconnect' })
    expect(end?.body).toBeUndefined()
  })

  test('is told of clients that just leave', async () => {
    const events = recorder()
    await using api = await runningApi({ routes: { $default: () => empty(), $disconnect: events.to } })
    const client = await api.open()
    client.socket.terminate()
    expect((await events.some(1))[0]?.requestContext.disconnectStatusCode).toBe(1006)
    expect(api.api.size).toBe(0)
  })

  test('is told of a client that has left before its handshake ended', async () => {
    const { promise, done } = latch()
    const gone = latch()
    const connect = recorder(async () => {
      done()
      await gone.promise
      return empty()
    })
    const end = recorder()
    await using api = await runningApi({ routes: { $connect: connect.to, $disconnect: end.to } })
    const socket = new WebSocket(api.url)
    socket.on('error', () => {})
    await promise
    socket.terminate()
    while (api.api.size > 0) await new Promise(setImmediate)
    gone.done()
    expect((await end.some(1))[0]?.requestContext.disconnectStatusCode).toBe(1006)
  })

  test('is waited for when the server closes', async () => {
    let isTold = false
    await using api = await runningApi({
      routes: {
        $default: () => empty(),
        async $disconnect() {
          await new Promise((resolve) => setTimeout(resolve, 20))
          isTold = true
          return empty()
        },
      },
    })
    const client = await api.open()
    await api.server.close({ graceMs: 5_000 })
    expect(await client.closed()).toBe(1012)
    expect(isTold).toBe(true)
  })
})

describe('quotas', () => {
  test('10 minutes without a message', async () => {
    const clock = virtualClock()
    const events = recorder()
    await using api = await runningApi({ clock, heartbeatMs: 86_400_000, routes: { $default: events.to } })
    const client = await api.open()
    await clock.advance(599_999)
    client.socket.send('x')
    await events.some(1)
    await clock.advance(599_999)
    expect(client.socket.readyState).toBe(1)
    await clock.advance(2)
    expect(await client.closed()).toBe(1001)
  })

  test('2 hours in all', async () => {
    const clock = virtualClock()
    await using api = await runningApi({ clock, heartbeatMs: 86_400_000, idleTimeoutMs: 0, routes: { $default: () => empty() } })
    const client = await api.open()
    await clock.advance(7_199_999)
    expect(client.socket.readyState).toBe(1)
    await clock.advance(1)
    expect(await client.closed()).toBe(1001)
  })

  test('128 KiB a message', async () => {
    const events = recorder()
    await using api = await runningApi({ routes: { $default: events.to } })
    const client = await api.open()
    client.socket.send('x'.repeat(131_072))
    await events.some(1)
    client.socket.send('x'.repeat(131_073))
    expect(await client.closed()).toBe(1009)
    expect(events.events).toHaveLength(1)
  })
})
