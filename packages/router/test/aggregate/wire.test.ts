import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { type Handler, HeaderList, subscribe } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { aggregate, createRouter, type PartOptions, part } from '@gatelet/router'
import { baseline, call, exchange, type OriginHandler, origins, rawServer, virtualClock } from '@gatelet/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const failures: string[] = []
let unsubscribe = () => {}
beforeEach(() => {
  failures.length = 0
  unsubscribe = subscribe('part:failed', ({ part, error }) => void failures.push(`${part}: ${(error as Error).message}`))
})
afterEach(() => unsubscribe())

const answers =
  (body: string | Buffer, headers: Record<string, string> = {}): OriginHandler =>
  (_, res) =>
    void res.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body)

/** Never comes to the end of its answer. */
const stalls: OriginHandler = (_, res) => void res.writeHead(200, { 'content-type': 'application/json' }).write('[1,')

/** An optional part at an origin, under its name. */
const at = (url: string, options: Omit<PartOptions, 'from'> = {}) => part({ from: proxy(url), optional: true, ...options })

test('several servers are one reply, over sockets; a client gets it whole, with its length', async () => {
  await using farm = await origins(3, {
    handler: [answers('{"id":7}'), answers('[1,2,3]'), answers('{"theme":"dark"}')],
  })
  const [users = '', orders = '', settings = ''] = farm.urls
  const user = part({ from: proxy(users), request: '/users/:id', read: (value) => value as { id: number } })
  const home = aggregate({
    user,
    orders: part({
      from: proxy(orders),
      after: { user },
      request: (_, { user }) => ({ path: '/orders', query: { of: user.id } }),
    }),
    settings: part({ from: proxy(settings), request: '/settings', group: false }),
  })
  await using server = await serve(createRouter().get('/home/:id', home), { host: '127.0.0.1', port: 0 })
  const reply = await fetch(`${server.url}/home/a%2520b`)
  expect(await reply.text()).toBe('{"user":{"id":7},"orders":[1,2,3],"theme":"dark"}')
  expect(reply.headers.get('content-length')).toBe('49')
  expect(farm.servers.map(({ requests }) => requests[0]?.url)).toEqual(['/users/a%2520b', '/orders?of=7', '/settings'])
  const head = await fetch(`${server.url}/home/1`, { method: 'HEAD' })
  expect([head.status, head.headers.get('gatelet-completed'), await head.text()]).toEqual([200, '?1', ''])
  expect(farm.servers[0]?.requests[1]?.method).toBe('GET')
})

test('one dead, one that breaks off, one that talks nonsense, one huge: the others are answered, and nothing stays open', async () => {
  const before = baseline()
  {
    await using farm = await origins(4, {
      handler: [answers('{"ok":true}'), answers('1'), answers('2'), answers(`"${'x'.repeat(2_000_000)}"`)],
    })
    const [good = '', dead = '', broken = '', huge = ''] = farm.urls
    await using nonsense = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: x\r\n\r\n{}')
    })
    await farm.stop(1)
    const server = farm.servers[2]
    if (server) server.fault = { kind: 'reset-mid-body', sentBytes: 1 }
    const parts = { good: at(good), dead: at(dead), broken: at(broken), nonsense: at(nonsense.url), huge: at(huge) }
    const reply = await call(aggregate(parts))
    expect(await reply.json()).toEqual({ good: { ok: true } })
    expect(reply.headers.get('gatelet-missing')).toBe('dead, broken, nonsense, huge')
    expect(failures.map((told) => told.split(':')[0]).sort()).toEqual(['broken', 'dead', 'huge', 'nonsense'])
    // The rest of what is too long is not fetched.
    await farm.servers[3]?.when(({ sockets }) => sockets === 0)
  }
  await before.settled()
})

test('a body of no known length is cut off at the limit of its part', async () => {
  let written = 0
  await using farm = await origins(1, {
    handler(_, res) {
      res.writeHead(200, { 'content-type': 'application/json' }).write('"')
      const more = () => {
        while (!res.destroyed) {
          written += 10_000
          if (!res.write('x'.repeat(10_000))) return
        }
      }
      res.on('drain', more)
      more()
    },
  })
  const reply = await call(aggregate({ x: at(farm.urls[0] ?? '', { maxBytes: 100_000, optional: false }) }))
  expect(reply.status).toBe(502)
  await farm.servers[0]?.when(({ sockets }) => sockets === 0)
  expect(failures).toEqual(['x: At most 100000 bytes are allowed'])
  // What was under way in the buffers of both sides.
  expect(written).toBeLessThan(20_000_000)
})

test('a server that packs its answer though it is asked not to is understood; one that would swell is not', async () => {
  await using farm = await origins(3, {
    handler: [
      answers(gzipSync('{"a":1}'), { 'content-encoding': 'gzip' }),
      answers(gzipSync(`"${' '.repeat(50_000_000)}"`), { 'content-encoding': 'gzip' }),
      answers('{"a":1}', { 'content-encoding': 'zstd' }),
    ],
  })
  const [packed = '', bomb = '', other = ''] = farm.urls
  const reply = await call(aggregate({ packed: at(packed), bomb: at(bomb), other: at(other) }))
  expect(await reply.json()).toEqual({ packed: { a: 1 } })
  expect(reply.headers.get('gatelet-missing')).toBe('bomb, other')
  expect(farm.servers[0]?.requests[0]?.headers['accept-encoding']).toBe('identity')
})

test('a part has its own time, inside the deadline of the request, and its server is let go', async () => {
  const clock = virtualClock()
  await using farm = await origins(2, { handler: answers('1') })
  const [slow = '', fast = ''] = farm.urls
  const [server] = farm.servers
  if (server) server.fault = { kind: 'hang-before-headers' }
  const parts = { slow: at(slow, { timeoutMs: 800 }), fast: at(fast) }
  const asked = exchange('/', { clock })
  const answered = asked.ask(aggregate(parts, { clock }))
  await server?.when(({ hits }) => hits === 1)
  await clock.advance(799)
  expect(failures).toEqual([])
  await clock.advance(1)
  const reply = await answered
  expect(await reply.json()).toEqual({ fast: 1 })
  expect(failures).toEqual(['slow: The time for this request is over'])
  await server?.when(({ sockets }) => sockets === 0)
  expect(clock.pending).toBe(0)
})

test('a request whose deadline passes is 504, whether its parts are optional or not', async () => {
  const clock = virtualClock()
  const never: Handler = () => new Promise(() => {})
  const { ctx } = exchange('/', { clock })
  const answer = aggregate({ x: part({ from: never, optional: true }) }, { clock })(ctx.withDeadline(100))
  const failed = expect(answer).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', status: 504 })
  await clock.advance(100)
  await failed
  expect(failures).toEqual([])
})

test('a client that leaves cancels all parts', async () => {
  const before = baseline()
  {
    await using farm = await origins(3, { handler: [() => {}, stalls] })
    const [first = '', second = '', third = ''] = farm.urls
    const waiting = part({ from: proxy(first), request: '/first' })
    const behind = part({ from: proxy(third), after: { waiting } })
    const handler = aggregate({ waiting, body: part({ from: proxy(second) }), behind })
    await using server = await serve(handler, { host: '127.0.0.1', port: 0 })
    const client = new AbortController()
    const reply = fetch(server.url, { signal: client.signal })
    await Promise.all([farm.servers[0]?.when(({ hits }) => hits === 1), farm.servers[1]?.when(({ hits }) => hits === 1)])
    client.abort()
    await expect(reply).rejects.toThrow()
    for (const origin of farm.servers) await origin.when(({ sockets }) => sockets === 0)
    expect(farm.servers[2]?.hits).toBe(0)
    expect(failures).toEqual([])
  }
  await before.settled()
})

test('a required part that fails ends the others at once, in the middle of their bodies too', async () => {
  await using farm = await origins(3, { handler: [() => {}, stalls] })
  const [waiting, body, bad] = farm.servers
  if (bad) bad.fault = { kind: 'delay' }
  const [first = '', second = '', third = ''] = farm.urls
  const asked = call(aggregate({ first: at(first), second: at(second), third: at(third, { optional: false, maxBytes: 1 }) }))
  for (const origin of farm.servers) await origin.when(({ hits }) => hits === 1)
  bad?.release()
  expect((await asked).status).toBe(502)
  for (const origin of [waiting, body]) await origin?.when(({ sockets }) => sockets === 0)
  expect(failures).toEqual(['third: At most 1 bytes are allowed'])
})

test('what a part answers after its time is dropped', async () => {
  const clock = virtualClock()
  const body = new Readable({ read() {} })
  let answer = () => {}
  const late: Handler = async () => {
    await new Promise<void>((resolve) => {
      answer = resolve
    })
    return { status: 200, headers: new HeaderList(), body }
  }
  const asked = exchange('/', { clock }).ask(aggregate({ late: part({ from: late, timeoutMs: 10 }) }, { clock }))
  await clock.advance(10)
  expect((await asked).status).toBe(502)
  answer()
  await vi.waitFor(() => expect(body.destroyed).toBe(true))
})

test('a request that comes round through its own gateway ends', async () => {
  const gateway = { url: '' }
  const self: Handler = (ctx) => proxy(gateway.url, { via: 'test-gateway' })(ctx)
  const x = part({ from: self })
  const y = part({ from: self, optional: true })
  await using server = await serve(aggregate({ x, y }), { host: '127.0.0.1', port: 0 })
  gateway.url = server.url
  const reply = await fetch(server.url)
  expect(reply.status).toBe(502)
  expect(failures.length).toBeLessThan(10)
})
