import { PushSource } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, exchange, type Origin, origins, virtualClock } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { blackHole } from './support/black-hole.ts'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

// undici's own timers are late by up to a second.
const SHORT_MS = 60
const NEVER_MS = 600_000

test('a connection that does not come about is 504, and the endpoint is blamed', async () => {
  await using full = await blackHole()
  const balancer = ledger([full.url])
  const reply = await call(proxy(balancer, { timeouts: { connectMs: SHORT_MS } }), '/')
  expect(reply.status).toBe(504)
  expect(await reply.json()).toMatchObject({ code: 'UPSTREAM_CONNECT_TIMEOUT' })
  expect(balancer.kinds).toEqual(['failure'])
  expect(balancer.open).toBe(0)
})

test('no answer in time is 504, and the upstream sees its connection closed', async () => {
  await using farm = await origins(1)
  const [origin] = farm.servers as [Origin]
  origin.fault = { kind: 'hang-before-headers' }
  const balancer = ledger([origin.url])
  const reply = await call(proxy(balancer, { timeouts: { headersMs: SHORT_MS } }), '/')
  expect(reply.status).toBe(504)
  expect(await reply.json()).toMatchObject({ code: 'UPSTREAM_HEADERS_TIMEOUT' })
  await origin.when(() => origin.requests[0]?.aborted && origin.sockets === 0)
  expect(balancer.kinds).toEqual(['failure'])
  expect(balancer.open).toBe(0)
})

test.each([false, true])('a body that stalls is broken off, not ended (chunked: %s)', async (chunked) => {
  await using farm = await origins(1)
  const [origin] = farm.servers as [Origin]
  origin.fault = { kind: 'hang-mid-body', chunked }
  const balancer = ledger([origin.url])
  const reply = await call(proxy(balancer, { timeouts: { bodyIdleMs: SHORT_MS } }), '/')
  expect(reply.status).toBe(200)
  await expect(reply.bytes()).rejects.toMatchObject({ code: 'UPSTREAM_BODY_TIMEOUT', status: 504 })
  await origin.when(() => origin.sockets === 0)
  expect(balancer.open).toBe(0)
})

test('a client that reads slowly is no idle upstream', async () => {
  const size = 8_388_608
  await using farm = await origins(1, {
    handler: (_, res) => void res.writeHead(200, { 'content-length': size }).end(Buffer.alloc(size)),
  })
  const reply = await call(proxy(farm.urls[0] as string, { timeouts: { bodyIdleMs: SHORT_MS } }), '/')
  let received = 0
  await new Promise<void>((resolve, reject) => {
    const { body } = reply
    if (body === null || typeof body !== 'object' || !('pipeTo' in body)) throw new Error('no source')
    let isFirst = true
    const flow = body.pipeTo({
      write(chunk) {
        received += chunk.byteLength
        if (!isFirst) return true
        isFirst = false
        // Longer than it takes until the upstream counts as idle.
        setTimeout(() => flow.resume(), 1_500)
        return false
      },
      end: () => resolve(),
      fail: reject,
    })
  })
  expect(received).toBe(size)
})

test('an upstream that is read as fast as it sends, but sends nothing after a pause of the client, is idle', async () => {
  await using farm = await origins(1)
  const [origin] = farm.servers as [Origin]
  origin.fault = { kind: 'hang-mid-body', sentBytes: 2_000_000 }
  const reply = await call(proxy(origin.url, { timeouts: { bodyIdleMs: SHORT_MS } }), '/')
  const error = await new Promise((resolve) => {
    const { body } = reply
    if (body === null || typeof body !== 'object' || !('pipeTo' in body)) throw new Error('no source')
    let isFirst = true
    const flow = body.pipeTo({
      write() {
        if (!isFirst) return true
        isFirst = false
        setTimeout(() => flow.resume(), SHORT_MS * 2)
        return false
      },
      end: () => resolve('ended'),
      fail: resolve,
    })
  })
  expect(error).toMatchObject({ code: 'UPSTREAM_BODY_TIMEOUT' })
})

test('the time for all attempts together is 504 with a code of its own; the last attempt gets what is left', async () => {
  await using farm = await origins(2)
  for (const origin of farm.servers) origin.fault = { kind: 'hang-before-headers' }
  const [, second] = farm.servers as [unknown, Origin]
  const clock = virtualClock()
  const balancer = ledger(farm.urls)
  const handler = proxy(balancer, { clock, timeouts: { headersMs: SHORT_MS, totalMs: 5_000 } })
  const answering = call(handler, '/')
  await second.when(() => second.hits === 1)
  await clock.advance(5_000)
  const reply = await answering
  expect(reply.status).toBe(504)
  expect(await reply.json()).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(balancer.kinds).toEqual(['failure', 'failure'])
  expect(balancer.open).toBe(0)
  expect(clock.pending).toBe(0)
})

test('the time for all attempts bounds one that has to connect first', async () => {
  await using full = await blackHole()
  const clock = virtualClock()
  const handler = proxy(full.url, { clock, timeouts: { connectMs: NEVER_MS, totalMs: 5_000 } })
  const answering = call(handler, '/')
  await clock.advance(4_999)
  expect(await Promise.race([answering, 'nothing yet'])).toBe('nothing yet')
  await clock.advance(1)
  expect(await (await answering).json()).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  // The connection may still come, for another request, until its own time is over.
  await clock.advance(NEVER_MS)
  expect(clock.pending).toBe(0)
})

test('an upload that is under way does not count, nor does the time that a small body takes to come', async () => {
  await using farm = await origins(1)
  const [origin] = farm.servers as [Origin]
  const clock = virtualClock()
  const handler = proxy(origin.url, { clock, timeouts: { totalMs: 5_000 } })
  for (const length of [undefined, 10]) {
    const upload = trickle(length)
    const answering = call(handler, { method: 'POST', body: upload.body })
    upload.push('hello')
    if (length === undefined) await origin.when(() => origin.requests.at(-1)?.bodyBytes === 5)
    await clock.advance(60_000)
    upload.push('world')
    upload.end()
    expect((await answering).status).toBe(200)
    expect(origin.requests.at(-1)?.body.toString()).toBe('helloworld')
  }
})

test('an upstream that does not read the upload is too slow, whatever the client still sends', async () => {
  await using farm = await origins(2)
  const [origin, other] = farm.servers as [Origin, Origin]
  origin.fault = { kind: 'slow-reader' }
  const balancer = ledger(farm.urls)
  const endless = new PushSource({ start: () => feed(), pause() {}, resume: () => void setImmediate(feed), cancel() {} })
  const chunk = Buffer.alloc(1_048_576)
  const feed = () => {
    while (!endless.isOver && endless.push(chunk));
  }
  const handler = proxy(balancer, { timeouts: { headersMs: SHORT_MS, totalMs: 30_000 } })
  const reply = await call(handler, { method: 'PUT', body: endless })
  expect(await reply.json()).toMatchObject({ code: 'UPSTREAM_HEADERS_TIMEOUT', status: 504 })
  expect(endless.isOver).toBe(true)
  expect(balancer.kinds).toEqual(['failure'])
  expect(other.hits).toBe(0)
})

test('a deadline of a layer stops the upstream', async () => {
  await using farm = await origins(1)
  const [origin] = farm.servers as [Origin]
  origin.fault = { kind: 'hang-before-headers' }
  const clock = virtualClock()
  const handler = proxy(origin.url)
  const answering = call((ctx) => handler(ctx.withDeadline(1_000)), '/', { clock })
  await origin.when(() => origin.hits === 1)
  await clock.advance(1_000)
  const reply = await answering
  expect(reply.status).toBe(504)
  expect(await reply.json()).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  await origin.when(() => origin.requests[0]?.aborted)
})

test('a timeout by signal is one too, and any other signal is a client that left', async () => {
  await using farm = await origins(1)
  const [origin] = farm.servers as [Origin]
  origin.fault = { kind: 'hang-before-headers' }
  const handler = proxy(origin.url)
  const timed = await call((ctx) => handler(ctx.withSignal(AbortSignal.timeout(20))), '/')
  expect(timed.status).toBe(504)
  const aborted = await call((ctx) => handler(ctx.withSignal(AbortSignal.abort())), '/')
  expect(aborted.status).toBe(499)
})

test('a deadline that passes while a small body is collected is told', async () => {
  const clock = virtualClock()
  const handler = proxy('http://127.0.0.1:1')
  const upload = trickle(10)
  const asked = exchange({ method: 'POST', body: upload.body }, { clock })
  const answering = asked.ask((ctx) => handler(ctx.withDeadline(1_000)))
  upload.push('hello')
  await clock.advance(1_000)
  expect(await (await answering).json()).toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(upload.isCancelled()).toBe(true)
})

test('an answer that comes as the last thing in time is an answer', async () => {
  await using farm = await origins(1)
  const clock = virtualClock()
  const reply = await call(proxy(farm.urls[0] as string, { clock, timeouts: { totalMs: 1 } }), '/')
  expect(reply.status).toBe(200)
  await clock.advance(NEVER_MS)
  expect(await reply.json()).toMatchObject({ id: 0 })
  expect(reply.exchange.summary?.outcome).toBe('finished')
})
