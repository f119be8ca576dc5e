import { setImmediate } from 'node:timers/promises'
import { proxy } from '@gatelet/proxy'
import {
  type Answer,
  baseline,
  call,
  exchange,
  type Origin,
  type OriginFarm,
  origins,
  rawServer,
  virtualClock,
} from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

const only = (farm: OriginFarm) => farm.servers[0] as Origin
const code = async (reply: Answer) => (await reply.json<{ code: string }>()).code
const many = <T>(n: number, make: (index: number) => T) => Array.from({ length: n }, (_, index) => make(index))

test('no more are open than are allowed, and who waits is served in the order of coming', async () => {
  await using farm = await origins(1)
  const origin = only(farm)
  origin.fault = { kind: 'hang-before-headers' }
  const handler = proxy(origin.url, { connections: 3 })
  const answering = many(12, (index) => call(handler, `/${index}`))
  for (let served = 0; served < 12; served += 3) {
    await origin.when(() => origin.hits === served + 3)
    expect(origin.sockets).toBe(3)
    origin.release()
  }
  for (const reply of await Promise.all(answering)) expect(reply.status).toBe(200)
  expect(origin.requests.map(({ url }) => url)).toEqual(many(12, (index) => `/${index}`))
  expect(origin.connections).toBe(3)
})

test('one that comes later does not overtake who waits', async () => {
  await using farm = await origins(1)
  const handler = proxy(farm.urls[0] as string, { connections: 1 })
  const order: string[] = []
  const ask = async (name: string) => {
    await (await call(handler, `/${name}`)).bytes()
    order.push(name)
  }
  const first = ask('first').then(() => ask('again'))
  await Promise.all([first, ask('second'), ask('third')])
  expect(order).toEqual(['first', 'second', 'third', 'again'])
})

test('the one that was used last is used next', async () => {
  await using farm = await origins(1)
  const origin = only(farm)
  const handler = proxy(origin.url)
  origin.fault = { kind: 'hang-before-headers', times: 4 }
  const burst = many(4, () => call(handler, '/'))
  await origin.when(() => origin.hits === 4)
  origin.release()
  for (const reply of await Promise.all(burst)) await reply.bytes()
  for (let i = 0; i < 5; i++) await (await call(handler, '/')).bytes()
  const used = new Set(origin.requests.slice(4).map(({ connection }) => connection))
  expect(used.size).toBe(1)
})

describe('the queue', () => {
  test('has a bound: more are 503 at once', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-before-headers' }
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { connections: 1, maxQueued: 2 })
    const answering = many(3, () => call(handler, '/'))
    const refused = await call(handler, '/')
    expect([refused.status, await code(refused)]).toEqual([503, 'QUEUE_FULL'])
    for (let i = 1; i <= 3; i++) {
      await origin.when(() => origin.hits === i)
      origin.release()
    }
    expect((await Promise.all(answering)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(balancer.open).toBe(0)
  })

  test('has a deadline: who waits too long is 503', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const balancer = ledger(farm.urls)
    const handler = proxy(balancer, { connections: 1, queueMs: 1_000, clock })
    const first = call(handler, '/')
    await origin.when(() => origin.hits === 1)
    const waiting = call(handler, '/')
    await clock.advance(1_000)
    const late = await waiting
    expect([late.status, await code(late)]).toEqual([503, 'QUEUE_TIMEOUT'])
    expect(balancer.kinds).toEqual(['cancelled'])
    origin.release()
    expect((await first).status).toBe(200)
    expect(origin.hits).toBe(1)
    expect(clock.pending).toBe(0)
  })

  test('does not hold longer than the time for all attempts', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'hang-before-headers' }
    const clock = virtualClock()
    const handler = proxy(origin.url, { connections: 1, queueMs: 10_000, clock, timeouts: { totalMs: 2_000 } })
    const first = call(handler, '/')
    await origin.when(() => origin.hits === 1)
    const waiting = call(handler, '/')
    await clock.advance(2_000)
    // The first one's connection becomes free in the same moment.
    expect(['QUEUE_TIMEOUT', 'DEADLINE_EXCEEDED']).toContain(await code(await waiting))
    expect((await first).status).toBe(504)
    expect(clock.pending).toBe(0)
  })

  test('goes on when connections break instead of becoming free', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    origin.fault = { kind: 'reset-before-headers' }
    const handler = proxy(origin.url, { connections: 2 })
    const replies = await Promise.all(many(10, () => call(handler, '/')))
    expect(replies.map(({ status }) => status)).toEqual(many(10, () => 502))
    expect(origin.hits).toBe(10)
  })

  test('goes on when connections cannot be made', async () => {
    await using farm = await origins(1)
    only(farm).fault = { kind: 'refuse' }
    const handler = proxy(farm.urls[0] as string, { connections: 2 })
    const replies = await Promise.all(many(10, () => call(handler, '/')))
    expect(replies.map(({ status }) => status)).toEqual(many(10, () => 502))
  })
})

describe('idle connections', () => {
  test('that the upstream closes are forgotten', async () => {
    await using farm = await origins(1)
    const before = baseline()
    const handler = proxy(farm.urls[0] as string)
    await Promise.all(many(5, async () => (await call(handler, '/')).bytes()))
    await farm.stop(0)
    await before.settled()
    await farm.start(0)
    expect((await call(handler, '/')).status).toBe(200)
  })

  test('are closed after a time', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    const handler = proxy(origin.url, { keepAliveMs: 30 })
    await (await call(handler, '/')).bytes()
    await origin.when(() => origin.sockets === 0)
  })

  test.each([
    ['timeout=2', 60_000],
    ['timeout=600', 1_000],
  ])('are closed a second before the upstream would (%s), and never later than is set', async (announced, keepAliveMs) => {
    await using server = await rawServer(async (connection) => {
      await connection.read('\r\n\r\n')
      connection.write(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: ${announced}\r\n\r\n`)
    })
    const handler = proxy(server.url, { keepAliveMs })
    await (await call(handler, '/')).bytes()
    expect(await server.connections[0]?.left(9_000)).toBe('end')
  })

  test('do not keep the process alive', async () => {
    await using farm = await origins(1)
    const before = baseline()
    const handler = proxy(farm.urls[0] as string)
    await (await call(handler, '/')).bytes()
    await setImmediate()
    // Unlike one that serves a request, an idle connection is not among what Node waits for: only the server's end is.
    expect(before.extra()['TCPSocketWrap'] ?? 0).toBeLessThanOrEqual(1)
    await handler.close()
  })
})

describe('close', () => {
  test('closes idle connections, lets the others end, refuses who waits', async () => {
    await using farm = await origins(1)
    const origin = only(farm)
    const before = baseline()
    const handler = proxy(origin.url, { connections: 2 })
    await Promise.all([call(handler, '/').then((reply) => reply.bytes()), call(handler, '/').then((reply) => reply.bytes())])
    origin.fault = { kind: 'hang-mid-body', times: 2 }
    const [kept, other] = await Promise.all([call(handler, '/'), call(handler, '/')])
    const waiting = call(handler, '/')
    let isClosed = false
    const closing = handler.close().then(() => {
      isClosed = true
    })
    expect(await code(await waiting)).toBe('DRAINING')
    await setImmediate()
    expect(isClosed).toBe(false)
    origin.release()
    await Promise.all([kept?.bytes(), other?.bytes()])
    await closing
    await origin.when(() => origin.sockets === 0)
    await before.settled()
  })

  test('twice is the same, and so is one of nothing', async () => {
    const handler = proxy('http://127.0.0.1:1')
    await Promise.all([handler.close(), handler.close()])
    await handler.close()
  })

  test('of a call that is then asked again leaves it usable', async () => {
    await using farm = await origins(1)
    const handler = proxy(farm.urls[0] as string)
    await (await call(handler, '/')).bytes()
    await handler.close()
    expect((await call(handler, '/')).status).toBe(200)
    await handler.close()
  })
})

test('endpoints that come and go leave nothing behind', async () => {
  await using farm = await origins(3)
  const before = baseline()
  const handler = proxy({
    // A new endpoint for every request, as after each answer of a discovery.
    acquire: () => ledger([farm.urls[Math.floor(Math.random() * 3)] as string]).acquire({ tried: [] }),
    close: () => Promise.resolve(),
  })
  for (let i = 0; i < 50; i++) await (await call(handler, '/')).bytes()
  expect(farm.servers.reduce((sum, { connections }) => sum + connections, 0)).toBe(3)
  await handler.close()
  await before.settled()
})

test('each exchange is told what it needs, and its listeners are gone with it', async () => {
  await using farm = await origins(1)
  const asked = exchange('/')
  await (await asked.ask(proxy(farm.urls[0] as string))).bytes()
  expect(asked.summary).toMatchObject({ outcome: 'finished', status: 200 })
})
