import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { createBalancer } from '@gatelet/balancer'
import { type Balancer, HeaderList, type Outcome, subscribe, systemClock } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { call, exchange, origins, virtualClock } from '@gatelet/testing'
import { type CallCodec, createWebSocketCalls, type WebSocketCallsOptions } from '@gatelet/websocket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type SocketServer, socketServer, until } from '../socket-server.ts'

// `id|text` on the way there, `id|text` or `id+|text` (more follows) on the way back; what has no bar answers nothing.
const bars: CallCodec = {
  encode: ({ body }, id) => ({
    frame: `${id}|${Buffer.from(body)}`,
    cancel: `${id}|cancel`,
    answer: textAfterBar,
    item: afterBar,
  }),
  match(frame) {
    const text = String(frame)
    if (text === 'garbage') throw new Error('garbage')
    const at = text.indexOf('|')
    if (at < 0) return undefined
    return text[at - 1] === '+' ? { id: text.slice(0, at - 1), more: true } : text.slice(0, at)
  },
}

const afterBar = (frame: unknown) => String(frame).slice(String(frame).indexOf('|') + 1)
const textAfterBar = (frame: unknown) => ({ status: 200, headers: new HeaderList(), body: afterBar(frame) })
const idOf = (text: string) => text.slice(0, text.indexOf('|'))

let server: SocketServer
const open: { close(): Promise<void> }[] = []

beforeEach(async () => {
  server = await socketServer()
})

afterEach(async () => {
  for (const calls of open.splice(0)) await calls.close()
  await server[Symbol.asyncDispose]()
})

function callsTo(options: Partial<WebSocketCallsOptions> = {}) {
  const calls = createWebSocketCalls({ endpoints: server.url, codec: bars, ...options })
  open.push(calls)
  return calls
}

const post = (body: string, headers = {}) => ({ method: 'POST', url: '/', body, headers })
const codeOf = async (answer: Promise<{ status: number; json<T>(): Promise<T> }>) => {
  const { status, json } = await answer
  return [status, (await json<{ code: string }>()).code]
}

describe('a call', () => {
  test('becomes a message, and the message with its id the reply', async () => {
    const calls = callsTo()
    expect(await (await call(calls, post('hello'))).text()).toBe('hello')
    expect(server.messages).toEqual([expect.stringMatching(/^[0-9a-z]+-1\|hello$/)])
  })

  test('and a thousand at once each get their own, whatever the order of the answers', async () => {
    const calls = callsTo({ connections: 3 })
    await until(() => calls.counts().connections === 3)
    const held: (() => void)[] = []
    server.onMessage = (text, socket) => void held.push(() => socket.send(text))
    const asked = Array.from({ length: 1_000 }, async (_, at) => (await call(calls, post(`n${at}`))).text())
    await until(() => held.length === 1_000)
    expect(calls.counts().pending).toBe(1_000)
    for (const send of held.reverse()) send()
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 1_000 }, (_, at) => `n${at}`))
    expect(calls.counts()).toMatchObject({ pending: 0, late: 0, pushes: 0, unreadable: 0 })
  })

  test('takes the answer as it is where the codec says no more', async () => {
    const ids: string[] = []
    const plain: CallCodec = {
      encode: ({ body }, id) => {
        ids.push(id)
        return body
      },
      match: () => ids.shift(),
    }
    const calls = callsTo({ codec: plain })
    const json = await call(calls, post('{"a":1}'))
    expect([json.headers.get('content-type'), Buffer.from(await json.bytes()).toString()]).toEqual([
      'application/octet-stream',
      '{"a":1}',
    ])
    server.onMessage = (text, socket) => socket.send(text)
    expect((await call(calls, post('{"a":1}'))).headers.get('content-type')).toBe('application/json')
    expect((await call(calls, post('a'))).headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  test('may be answered by the codec alone', async () => {
    const calls = callsTo({ codec: { ...bars, encode: () => ({ status: 418, headers: new HeaderList(), body: null }) } })
    expect((await call(calls, post('x'))).status).toBe(418)
    expect(server.messages).toEqual([])
  })

  test('that nothing answers is over when it is sent', async () => {
    const calls = callsTo({
      codec: { ...bars, encode: () => ({ frame: 'note', sent: () => ({ status: 202, headers: new HeaderList(), body: null }) }) },
    })
    server.onMessage = () => {}
    expect((await call(calls, post('x'))).status).toBe(202)
    await until(() => server.messages.length === 1)
    expect(calls.counts().pending).toBe(0)
  })

  test('brings path, fields and subprotocols of the options along in the handshake', async () => {
    const calls = callsTo({
      endpoints: `${server.url}/v1/`,
      path: '/rpc?a=1',
      headers: { authorization: 'Bearer x' },
      protocols: ['p1'],
    })
    await call(calls, post('x'))
    const { url, headers } = server.handshakes[0] ?? {}
    expect([url, headers?.authorization, headers?.['sec-websocket-protocol']]).toEqual(['/v1/rpc?a=1', 'Bearer x', 'p1'])
  })

  test('speaks JSON-RPC by default, over a real gateway', async () => {
    server.onMessage = (text, socket) => {
      const { id, params } = JSON.parse(text)
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params[0] + params[1] }))
    }
    const calls = callsTo({ codec: undefined as never })
    const gateway = await serve(calls, { port: 0, host: '127.0.0.1' })
    const reply = await fetch(gateway.url, { method: 'POST', body: '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":"a"}' })
    expect([reply.status, await reply.json()]).toEqual([200, { jsonrpc: '2.0', id: 'a', result: 3 }])
    await gateway.close()
  })
})

describe('refused are', () => {
  test('bodies beyond the bound, with 413', async () => {
    expect(await codeOf(call(callsTo({ maxRequestBytes: 3 }), post('1234')))).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('handshakes of WebSockets', async () => {
    const headers = { upgrade: 'websocket', connection: 'upgrade' }
    const answer = call(callsTo(), { method: 'GET', url: '/', headers, kind: 'upgrade' } as never)
    expect(await codeOf(answer)).toEqual([400, 'UPGRADE_REFUSED'])
  })

  test('calls beyond those that may wait, with 503 and when to come again', async () => {
    const calls = callsTo({ maxPending: 2 })
    server.onMessage = () => {}
    const waiting = [call(calls, post('1')), call(calls, post('2'))]
    await until(() => server.messages.length === 2)
    const refused = await call(calls, post('3'))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    for (const text of server.messages) for (const socket of server.sockets) socket.send(text)
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200])
  })

  test('calls beyond those that may wait for the connection', async () => {
    await using silent = await silentServer()
    const calls = callsTo({ endpoints: silent.url, maxPending: 1, connectMs: 200 })
    const first = call(calls, post('1'))
    expect(await codeOf(call(calls, post('2')))).toEqual([503, 'QUEUE_FULL'])
    expect(await codeOf(first)).toEqual([504, 'UPSTREAM_CONNECT_TIMEOUT'])
  })

  test('calls for which too much waits to be sent', async () => {
    const calls = callsTo({ maxBufferedBytes: 1_000, maxRequestBytes: 100_000_000, timeoutMs: 60_000 })
    await call(calls, post('warm'))
    for (const socket of server.sockets) socket.pause()
    const big = call(calls, post('x'.repeat(20_000_000)))
    await until(() => calls.counts().pending === 1)
    expect(await codeOf(call(calls, post('small')))).toEqual([503, 'OVERLOADED'])
    await calls.close()
    expect((await big).status).toBe(503)
  })
})

describe('no answer', () => {
  test('in time is 504, takes the call back, and is counted when it comes late', async () => {
    const calls = callsTo({ timeoutMs: 50 })
    let late = () => {}
    server.onMessage = (text, socket) => {
      if (!text.endsWith('cancel')) late = () => socket.send(text)
    }
    expect(await codeOf(call(calls, post('x')))).toEqual([504, 'UPSTREAM_HEADERS_TIMEOUT'])
    await until(() => server.messages.some((text) => text.endsWith('|cancel')))
    late()
    await until(() => calls.counts().late === 1)
    expect(calls.counts()).toMatchObject({ pending: 0, connections: 1 })
  })

  test('before the deadline of the request is 504', async () => {
    server.onMessage = () => {}
    const calls = callsTo()
    const answer = call((ctx) => calls(ctx.withDeadline(systemClock.now() + 30)), post('x'))
    expect(await codeOf(answer)).toEqual([504, 'DEADLINE_EXCEEDED'])
    expect(calls.counts().pending).toBe(0)
  })

  test('is waited for when the client has left: the call is taken back', async () => {
    server.onMessage = () => {}
    const calls = callsTo()
    const asking = exchange(post('x'))
    const answer = asking.ask(calls)
    await until(() => server.messages.length === 1)
    asking.abort()
    await until(() => server.messages.length === 2)
    expect(server.messages[1]).toBe(`${idOf(server.messages[0] ?? '')}|cancel`)
    expect((await answer).status).toBe(499)
    expect(calls.counts().pending).toBe(0)
  })
})

describe('a server that', () => {
  test('answers twice is heard once', async () => {
    const calls = callsTo()
    server.onMessage = (text, socket) => {
      socket.send(text)
      socket.send(text)
    }
    expect(await (await call(calls, post('x'))).text()).toBe('x')
    await until(() => calls.counts().late === 1)
  })

  test('sends garbage harms nobody', async () => {
    const calls = callsTo()
    server.onMessage = (text, socket) => {
      socket.send('garbage')
      socket.send(Buffer.from([0, 255]))
      socket.send('nobody-1|x')
      socket.send(text)
    }
    expect(await (await call(calls, post('x'))).text()).toBe('x')
    expect(calls.counts()).toMatchObject({ unreadable: 1, late: 1, pushes: 1 })
  })

  test('sends too much at once loses the connection, and the calls on it get 502', async () => {
    const calls = callsTo({ maxMessageBytes: 100 })
    server.onMessage = (text, socket) => socket.send(`${text}${'x'.repeat(200)}`)
    expect(await codeOf(call(calls, post('x')))).toEqual([502, 'UPSTREAM_RESET'])
    await until(() => server.closes.includes(1009))
  })

  test('breaks the protocol loses the connection', async () => {
    const calls = callsTo()
    server.onMessage = (_, socket) =>
      (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xff, 0xff]))
    expect(await codeOf(call(calls, post('x')))).toEqual([502, 'UPSTREAM_RESET'])
  })

  test('dies takes its calls along with 502, and is asked again when it is back', async () => {
    const calls = callsTo({ reconnect: { baseMs: 1, maxMs: 10 } })
    server.onMessage = () => {}
    const waiting = [call(calls, post('1')), call(calls, post('2'))]
    await until(() => server.messages.length === 2)
    await server.stop()
    for (const answer of waiting) expect(await codeOf(answer)).toEqual([502, 'UPSTREAM_RESET'])
    await until(() => calls.counts().connections === 0)
    server.onMessage = (text, socket) => socket.send(text)
    await server.start()
    await until(() => calls.counts().connections === 1)
    expect(await (await call(calls, post('3'))).text()).toBe('3')
  })

  test('dies under an idempotent call is asked again, once', async () => {
    const calls = callsTo({ reconnect: { baseMs: 1, maxMs: 1 } })
    let deaths = 1
    server.onMessage = (text, socket) => (deaths-- > 0 ? socket.terminate() : socket.send(text))
    expect(await (await call(calls, { method: 'PUT', url: '/', body: 'x' })).text()).toBe('x')
    expect(server.messages.map((text) => text.replace(/^[^|]+-/, ''))).toEqual(['1|x', '2|x'])
    deaths = 2
    expect(await codeOf(call(calls, { method: 'PUT', url: '/', body: 'y' }))).toEqual([502, 'UPSTREAM_RESET'])
    expect(server.messages.length).toBe(4)
  })

  test('dies under a call that may be sent again as the option says', async () => {
    const calls = callsTo({
      reconnect: { baseMs: 1, maxMs: 1 },
      idempotent: ({ request }) => request.headers.has('idempotency-key'),
    })
    let deaths = 2
    server.onMessage = (text, socket) => (deaths-- > 0 ? socket.terminate() : socket.send(text))
    expect(await codeOf(call(calls, post('x')))).toEqual([502, 'UPSTREAM_RESET'])
    expect((await call(calls, post('x', { 'idempotency-key': '1' }))).status).toBe(200)
  })

  test('is not there is 502', async () => {
    await server.stop()
    expect(await codeOf(call(callsTo(), post('x')))).toEqual([502, 'UPSTREAM_CONNECT_FAILED'])
    await server.start()
  })

  test('speaks no WebSocket is 502', async () => {
    await using farm = await origins(1)
    expect(await codeOf(call(callsTo({ endpoints: farm.urls }), post('x')))).toEqual([502, 'UPSTREAM_BAD_RESPONSE'])
  })

  test('does not answer pings is left for a new connection', async () => {
    const clock = virtualClock()
    const calls = callsTo({ clock, heartbeatMs: 1_000, reconnect: { baseMs: 1, maxMs: 1 } })
    await until(() => calls.counts().connections === 1)
    for (const socket of server.sockets) socket.pause()
    await clock.advance(1_000)
    await clock.advance(1_000)
    await until(() => calls.counts().connections === 0)
    await clock.advance(1)
    await until(() => calls.counts().connections === 1)
    expect(server.handshakes.length).toBe(2)
  })

  test('answers pings is kept', async () => {
    const clock = virtualClock()
    const calls = callsTo({ clock, heartbeatMs: 1_000 })
    await until(() => calls.counts().connections === 1)
    let pings = 0
    for (const socket of server.sockets) socket.on('ping', () => pings++)
    for (let beat = 1; beat <= 5; beat++) {
      await clock.advance(1_000)
      await until(() => pings === beat)
      await (await call(calls, post('x'))).text()
    }
    expect(server.handshakes.length).toBe(1)
  })
})

describe('an answer of several messages', () => {
  const stream = (texts: string[]) => (text: string, socket: { send(text: string): void }) => {
    for (const [at, each] of texts.entries()) socket.send(`${idOf(text)}${at < texts.length - 1 ? '+' : ''}|${each}`)
  }

  test('is streamed as lines', async () => {
    server.onMessage = stream(['1', '{"a":2}', '3'])
    const answer = await call(callsTo(), post('x'))
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson')
    expect(await answer.text()).toBe('1\n{"a":2}\n3\n')
  })

  test.each([
    ['text/event-stream', true],
    ['application/json, Text/Event-Stream;q=0.5', true],
    ['text/event-stream;q=0', false],
    ['text/*', false],
    ['text/event-streams', false],
  ])('is streamed as events where the client accepts %s: %s', async (accept, isEvents) => {
    server.onMessage = stream(['1', 'two\nlines'])
    const answer = await call(callsTo(), post('x', { accept }))
    expect(answer.headers.get('content-type')).toBe(isEvents ? 'text/event-stream' : 'application/x-ndjson')
    expect(await answer.text()).toBe(isEvents ? 'data: 1\n\ndata: two\ndata: lines\n\n' : '1\ntwo\nlines\n')
  })

  test('has each message on one line where the codec says no more: JSON as it is, else as a string of it', async () => {
    const { encode, match } = bars
    const codec: CallCodec = {
      encode: (request, id) => (encode(request, id) as { frame: string }).frame,
      match: (frame) => {
        const text = Buffer.from(frame as string).toString()
        return /^[{"]/.test(text) ? { id: ids.at(-1) ?? '', more: true } : (match(frame) ?? { id: ids.at(-1) ?? '', more: true })
      },
    }
    const ids: string[] = []
    server.onMessage = (text, socket) => {
      ids.push(idOf(text))
      socket.send('{"a":\r\n1}')
      socket.send('two\nlines')
      socket.send(Buffer.from([1, 2, 3]))
      socket.send(`${idOf(text)}|`)
    }
    const lines = (await (await call(callsTo({ codec }), post('x'))).text()).trimEnd().split('\n')
    expect(lines).toEqual(['{"a": 1}', '"two\\nlines"', '"AQID"', JSON.stringify(`${ids[0]}|`)])
  })

  test('arrives message by message', async () => {
    const calls = callsTo()
    const gateway = await serve(calls, { port: 0, host: '127.0.0.1' })
    let go = (_: string) => {}
    server.onMessage = (text, socket) => {
      go = (rest) => socket.send(`${idOf(text)}${rest}`)
      go('+|1')
    }
    const reply = await fetch(gateway.url, { method: 'POST', body: 'x' })
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader()
    const read = async () => Buffer.from((await reader.read()).value ?? []).toString()
    expect(await read()).toBe('1\n')
    go('+|2')
    expect(await read()).toBe('2\n')
    go('|3')
    expect(await read()).toBe('3\n')
    expect((await reader.read()).done).toBe(true)
    await gateway.close()
  })

  test('is broken off when the connection is lost, and not asked for again', async () => {
    const calls = callsTo({ idempotent: () => true })
    server.onMessage = (text, socket) => {
      socket.send(`${idOf(text)}+|1`, () => socket.terminate())
    }
    const answer = await call(calls, post('x'))
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toMatchObject({ code: 'UPSTREAM_RESET' })
    expect(server.messages.length).toBe(1)
  })

  test('is broken off when the server falls silent in the middle', async () => {
    server.onMessage = (text, socket) => socket.send(`${idOf(text)}+|1`)
    const calls = callsTo({ timeoutMs: 50 })
    await expect((await call(calls, post('x'))).text()).rejects.toMatchObject({ code: 'UPSTREAM_BODY_TIMEOUT' })
    expect(calls.counts().pending).toBe(0)
  })

  test.each(['application/json', 'text/event-stream'])(
    'is taken back when the client leaves in the middle (%s)',
    async (accept) => {
      server.onMessage = (text, socket) => {
        if (!text.endsWith('cancel')) socket.send(`${idOf(text)}+|1`)
      }
      const calls = callsTo()
      const gateway = await serve(calls, { port: 0, host: '127.0.0.1' })
      const leaving = new AbortController()
      const reply = await fetch(gateway.url, { method: 'POST', body: 'x', headers: { accept }, signal: leaving.signal })
      const reader = (reply.body as ReadableStream<Uint8Array>).getReader()
      await reader.read()
      leaving.abort()
      await until(() => server.messages.some((text) => text.endsWith('|cancel')))
      expect(calls.counts()).toMatchObject({ pending: 0, connections: 1 })
      await gateway.close()
    },
  )

  test('that nobody reads is taken back when the exchange is over', async () => {
    server.onMessage = (text, socket) => {
      if (!text.endsWith('cancel')) socket.send(`${idOf(text)}+|1`)
    }
    const calls = callsTo()
    const asking = exchange(post('x'))
    await asking.ask(calls)
    asking.finish()
    await until(() => server.messages.length === 2)
    expect(calls.counts().pending).toBe(0)
  })

  test('goes at the pace of its client, which holds up the others for so long only', async () => {
    const clock = virtualClock()
    const calls = callsTo({ clock, maxBufferedBytes: 100_000, stallMs: 10_000 })
    const chunk = 'x'.repeat(10_000)
    let sent = 0
    server.onMessage = (text, socket) => {
      if (text.endsWith('quick')) {
        socket.send(text)
        return
      }
      const more = () => {
        if (sent++ < 5_000 && socket.readyState === socket.OPEN) socket.send(`${idOf(text)}+|${chunk}`, more)
      }
      more()
    }
    const slow = await call(calls, post('slow'))
    let last = -1
    await until(() => {
      const isSame = sent === last && sent > 20
      last = sent
      return isSame
    })
    // What stands in the buffers of two sockets, and the bound.
    expect(sent).toBeLessThan(2_000)
    const quick = call(calls, post('quick'))
    await setImmediate()
    await clock.advance(10_000)
    expect((await quick).status).toBe(200)
    await expect(slow.text()).rejects.toMatchObject({ code: 'OVERLOADED' })
  })

  test('is read whole by a client that is slow but reads', async () => {
    const texts = Array.from({ length: 300 }, (_, at) => `${at}`.padEnd(1_000, '.'))
    server.onMessage = stream(texts)
    const answer = await call(callsTo({ maxBufferedBytes: 5_000 }), post('x'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect((await answer.text()).trimEnd().split('\n')).toEqual(texts)
  })
})

describe('messages that answer nothing', () => {
  test('are told to those who listen, until they do not', async () => {
    const heard: unknown[] = []
    const calls = callsTo({ onPush: (frame) => heard.push(['option', frame]) })
    const stop = calls.listen((frame) => heard.push(['listener', frame]))
    await call(calls, post('x'))
    for (const socket of server.sockets) socket.send('news')
    await until(() => heard.length === 2)
    stop()
    for (const socket of server.sockets) socket.send(Buffer.from('more'))
    await until(() => heard.length === 3)
    expect(heard).toEqual([
      ['option', 'news'],
      ['listener', 'news'],
      ['option', Buffer.from('more')],
    ])
  })

  test('that a listener fails at are told to the others', async () => {
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    const calls = callsTo({
      onPush() {
        throw new Error('no')
      },
    })
    const heard: unknown[] = []
    calls.listen((frame) => heard.push(frame))
    await call(calls, post('x'))
    for (const socket of server.sockets) socket.send('news')
    await until(() => heard.length === 1)
    expect((await warned).message).toMatch(/^a listener to pushed messages threw: Error: no/)
  })
})

describe('several endpoints', () => {
  test('share the calls, and one that is down is passed over', async () => {
    await using other = await socketServer()
    const calls = callsTo({ endpoints: [server.url, other.url], reconnect: { baseMs: 1, maxMs: 10 } })
    for (let at = 0; at < 10; at++) expect((await call(calls, post('x'))).status).toBe(200)
    expect([server.messages.length, other.messages.length]).toEqual([5, 5])
    await other.stop()
    await until(() => calls.counts().connections === 1)
    for (let at = 0; at < 10; at++) expect((await call(calls, post('x'))).status).toBe(200)
    expect(server.messages.length).toBe(15)
    await other.start()
  })

  test('of a balancer are leased for the time of the answer', async () => {
    const told: (Outcome | 'released')[] = []
    const endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
    const balancer: Balancer = {
      acquire: () => ({
        endpoint,
        target: { origin: new URL(server.url.replace('ws:', 'http:')) },
        answered: (outcome) => told.push(outcome),
        release: () => told.push('released'),
      }),
      close: async () => {},
    }
    const attempts: unknown[] = []
    const stop = subscribe('upstream:attempted', ({ attempt, outcome }) => attempts.push([attempt, outcome.kind]))
    const calls = callsTo({ endpoints: balancer })
    expect(server.handshakes.length).toBe(0)
    await call(calls, post('x'))
    server.onMessage = (_, socket) => socket.terminate()
    await call(calls, post('x'))
    stop()
    expect(told).toEqual([
      expect.objectContaining({ kind: 'success', status: 200 }),
      'released',
      expect.objectContaining({ kind: 'failure' }),
      'released',
    ])
    expect(attempts).toEqual([
      [0, 'success'],
      [0, 'failure'],
    ])
  })

  test('of a balancer that fail are ejected by it', async () => {
    const endpoints = [server.url.replace('ws:', 'http:')]
    const balancer = createBalancer({ endpoints, ejection: { failFast: true, consecutiveFailures: 2 } })
    const calls = callsTo({ endpoints: balancer })
    server.onMessage = (_, socket) => socket.terminate()
    const codes = []
    for (let at = 0; at < 3; at++) codes.push((await codeOf(call(calls, post('x'))))[1])
    expect(codes).toEqual(['UPSTREAM_RESET', 'UPSTREAM_RESET', 'NO_ENDPOINT'])
    await balancer.close()
  })

  test('of a balancer that refuses are 503', async () => {
    const refusing: Balancer = { acquire: () => ({ reason: 'none-healthy', retryAfterMs: 1_500 }), close: async () => {} }
    const answer = await call(callsTo({ endpoints: refusing }), post('x'))
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
  })

  test('of a balancer that are functions are a mistake of ours', async () => {
    const endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
    let releases = 0
    const calling: Balancer = {
      acquire: () => ({ endpoint, target: { handler: () => textAfterBar('') }, answered() {}, release: () => void releases++ }),
      close: async () => {},
    }
    expect(await codeOf(call(callsTo({ endpoints: calling }), post('x')))).toEqual([500, 'INTERNAL'])
    expect(releases).toBe(1)
  })

  test('of a balancer are left when nobody has asked for a while', async () => {
    const clock = virtualClock()
    const endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
    const target = { origin: new URL(server.url) }
    const balancer: Balancer = { acquire: () => ({ endpoint, target, answered() {}, release() {} }), close: async () => {} }
    const calls = callsTo({ endpoints: balancer, clock, idleMs: 1_000 })
    await call(calls, post('x'))
    await clock.advance(900)
    await call(calls, post('x'))
    await clock.advance(200)
    expect(calls.counts().connections).toBe(1)
    await clock.advance(1_000)
    await until(() => server.sockets.size === 0)
    expect((await call(calls, post('x'))).status).toBe(200)
    expect(server.handshakes.length).toBe(2)
  })
})

test('what a codec gives that is no message is 500, and nothing else', async () => {
  const codec = { ...bars, encode: () => ({ frame: { no: 'message' } as unknown as string }) }
  const calls = callsTo({ codec })
  expect(await codeOf(call(calls, post('x')))).toEqual([500, 'INTERNAL'])
  expect(calls.counts().pending).toBe(0)
})

describe('reconnecting', () => {
  test('waits a random part of a time that doubles, up to its bound', async () => {
    const delays: number[] = []
    const inner = virtualClock()
    const clock = {
      ...inner,
      random: () => 1,
      setTimer(task: () => void, ms: number) {
        if (ms < 5_000) delays.push(ms)
        return inner.setTimer(task, ms)
      },
    }
    await server.stop()
    const calls = callsTo({ clock, reconnect: { baseMs: 100, maxMs: 1_000 } })
    for (let tries = 1; tries <= 6; tries++) {
      await until(() => delays.length >= tries)
      await inner.advance(1_000)
    }
    expect(delays.slice(0, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000])
    await server.start()
    await calls.close()
    expect(inner.pending).toBe(0)
  })
})

describe('closing', () => {
  test('tells those that wait, refuses others, and leaves nothing behind', async () => {
    const clock = virtualClock()
    server.onMessage = () => {}
    const calls = callsTo({ clock, connections: 2 })
    const waiting = call(calls, post('x'))
    await until(() => server.messages.length === 1)
    await calls.close()
    expect(await codeOf(waiting)).toEqual([503, 'DRAINING'])
    expect(await codeOf(call(calls, post('y')))).toEqual([503, 'DRAINING'])
    await until(() => server.sockets.size === 0)
    expect(new Set(server.closes)).toEqual(new Set([1001]))
    expect(clock.pending).toBe(0)
    await calls.close()
  })

  test('opens nothing for a call whose body comes later', async () => {
    const calls = callsTo()
    await call(calls, post('x'))
    const body = new PassThrough()
    const late = call(calls, { method: 'POST', url: '/', body })
    await setImmediate()
    await calls.close()
    body.end('y')
    expect(await codeOf(late)).toEqual([503, 'DRAINING'])
    expect([server.handshakes.length, calls.counts().connections]).toEqual([1, 0])
  })

  test('ends what waits for a connection', async () => {
    await using silent = await silentServer()
    const calls = callsTo({ endpoints: silent.url })
    const waiting = call(calls, post('x'))
    await setImmediate()
    await calls.close()
    expect(await codeOf(waiting)).toEqual([503, 'DRAINING'])
  })
})

/** A server that takes connections and says nothing. */
async function silentServer() {
  const tcp = createTcpServer(() => {})
  const sockets = new Set<{ destroy(): void }>()
  tcp.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => tcp.close(resolve))
    },
  }
}
