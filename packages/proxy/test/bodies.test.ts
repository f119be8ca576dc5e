import { Readable } from 'node:stream'
import { type Body, type Context, GatewayError, PushSource, text } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, exchange, type Origin, type OriginFarm, origins, standstill } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'
import { trickle } from './support/trickle.ts'

const KIB_64 = 65_536
const only = (farm: OriginFarm) => farm.servers[0] as Origin
const whole = (text: string) => {
  const { body, push, end } = trickle(text.length)
  push(text)
  end()
  return body
}

describe('a small body of a known length', () => {
  test('is collected before an endpoint is asked, and sent with its length', async () => {
    await using farm = await origins(1)
    const balancer = ledger(farm.urls)
    const upload = trickle(10)
    const answering = call(proxy(balancer), { method: 'POST', body: upload.body })
    upload.push('hello')
    expect(balancer.entries).toEqual([])
    upload.push('world')
    upload.end()
    await (await answering).bytes()
    const { headers, body } = only(farm).requests[0] ?? {}
    expect(headers?.['content-length']).toBe('10')
    expect(headers?.['transfer-encoding']).toBeUndefined()
    expect(body?.toString()).toBe('helloworld')
  })

  test('is held until the exchange is over: 64 MiB of them in this process, and then they stream', async () => {
    const handler = proxy(ledger([{ handler: () => text('') }]))
    const exchanges = Array.from({ length: 1_024 }, () => exchange({ method: 'POST', body: whole('x'.repeat(KIB_64)) }))
    for (const { ctx } of exchanges) await handler(ctx)
    expect(await isCollected()).toBe(false)
    for (const { finish } of exchanges) finish()
    expect(await isCollected()).toBe(true)
  })

  test('is on its way before its end is here, once they stream', async () => {
    await using farm = await origins(1)
    const handler = proxy(farm.urls[0] as string)
    const held = Array.from({ length: 1_024 }, () => {
      const asked = exchange({ method: 'POST', body: trickle(KIB_64).body })
      return { asked, answering: asked.ask(handler) }
    })
    const upload = trickle(5)
    const answering = call(handler, { method: 'POST', body: upload.body })
    upload.push('he')
    await only(farm).when(() => only(farm).requests[0]?.bodyBytes === 2)
    upload.push('llo')
    upload.end()
    await (await answering).bytes()
    for (const { asked, answering } of held) {
      asked.abort()
      await answering
      asked.finish()
    }
    expect(await isCollected()).toBe(true)
  })

  test.each(['fails', 'is too long'])('that %s is not held either, and nobody is asked', async (how) => {
    const balancer = ledger(['http://127.0.0.1:1'])
    const handler = proxy(balancer)
    for (let i = 0; i < 1_024; i++) {
      const upload = trickle(KIB_64)
      const answering = call(handler, { method: 'POST', body: upload.body })
      if (how === 'fails') upload.fail(new GatewayError('REQUEST_TIMEOUT'))
      else upload.push('x'.repeat(KIB_64 + 1))
      expect((await answering).status).toBe(how === 'fails' ? 408 : 413)
    }
    expect(balancer.entries).toEqual([])
    expect(await isCollected()).toBe(true)
  })
})

/** Whether a small body is collected now. A handler in this process then gets its bytes. */
async function isCollected(): Promise<boolean> {
  let body: Body = null
  const look = (ctx: Context) => {
    body = ctx.request.body
    return text('')
  }
  await call(proxy(ledger([{ handler: look }])), { method: 'POST', body: whole('hello') })
  return (body as Body) instanceof Uint8Array
}

describe('a body that streams', () => {
  test.each([
    ['longer than 64 KiB', KIB_64 + 1, {}],
    ['of unknown length', undefined, {}],
    ['that waits for 100 Continue', 10, { expect: '100-continue' }],
  ] as const)('(%s) is on its way before its end is here', async (_, length, headers) => {
    await using farm = await origins(1)
    const upload = trickle(length)
    const answering = call(proxy(farm.urls[0] as string), { method: 'POST', body: upload.body, headers })
    upload.push('hello')
    await only(farm).when(() => only(farm).requests[0]?.bodyBytes === 5)
    const rest = 'x'.repeat((length ?? 10) - 5)
    upload.push(rest)
    upload.end()
    expect((await answering).status).toBe(200)
    const seen = only(farm).requests[0]
    expect(seen?.headers['content-length']).toBe(length === undefined ? undefined : String(length))
    expect(seen?.headers['transfer-encoding']).toBe(length === undefined ? 'chunked' : undefined)
    expect(seen?.bodyBytes).toBe(length ?? 10)
  })

  test('is not touched before there is a connection', async () => {
    await using farm = await origins(1)
    only(farm).fault = { kind: 'refuse' }
    const upload = trickle()
    const reply = await call(proxy(farm.urls[0] as string), { method: 'POST', body: upload.body })
    expect(reply.status).toBe(502)
    expect(upload.isStarted()).toBe(false)
    expect(upload.isCancelled()).toBe(false)
  })

  test('that nothing has come of yet goes elsewhere when its connection breaks', async () => {
    await using farm = await origins(2)
    const [first, second] = farm.servers as [Origin, Origin]
    const balancer = ledger(farm.urls)
    const upload = trickle()
    const answering = call(proxy(balancer), { method: 'POST', body: upload.body })
    await first.when(() => first.sockets === 1)
    // Connected, so that the body is asked for; but as long as it does not come, nothing is sent.
    while (!upload.isStarted()) await new Promise((resolve) => setImmediate(resolve))
    await farm.stop(0)
    await second.when(() => second.sockets === 1)
    upload.push('hello')
    upload.end()
    expect((await answering).status).toBe(200)
    expect(second.requests[0]?.body.toString()).toBe('hello')
    expect(balancer.kinds).toEqual(['failure', 'success'])
  })

  test.each([true, false])('and whose bytes come between two attempts loses none (it ends there: %s)', async (endsThere) => {
    await using farm = await origins(2)
    const [first, second] = farm.servers as [Origin, Origin]
    const given = ledger(farm.urls)
    let grant = () => {}
    const balancer = {
      acquire: async (ask: Parameters<typeof given.acquire>[0]) => {
        if (ask.tried.length > 0) await new Promise<void>((resolve) => (grant = resolve))
        return given.acquire(ask)
      },
      close: () => Promise.resolve(),
    }
    const upload = trickle()
    const answering = call(proxy(balancer), { method: 'POST', body: upload.body })
    await first.when(() => first.sockets === 1)
    while (!upload.isStarted()) await new Promise((resolve) => setImmediate(resolve))
    await farm.stop(0)
    while (given.kinds.length === 0) await new Promise((resolve) => setImmediate(resolve))
    upload.push('hel')
    upload.push('lo')
    if (endsThere) upload.end()
    grant()
    await second.when(() => second.requests[0]?.bodyBytes === 5)
    if (!endsThere) upload.end()
    expect((await answering).status).toBe(200)
    expect(second.requests[0]?.body.toString()).toBe('hello')
  })

  test('that fails between two attempts is the end of it', async () => {
    await using farm = await origins(2)
    const upload = trickle()
    const answering = call(proxy(ledger(farm.urls)), { method: 'POST', body: upload.body })
    while (!upload.isStarted()) await new Promise((resolve) => setImmediate(resolve))
    upload.fail(new GatewayError('REQUEST_TIMEOUT'))
    expect((await answering).status).toBe(408)
    expect(farm.servers[1]?.hits).toBe(0)
  })

  test('goes at the pace of the upstream', async () => {
    await using farm = await origins(1)
    only(farm).fault = { kind: 'slow-reader' }
    let pushed = 0
    let wantsMore = true
    const body = new PushSource({
      start: () => feed(),
      pause: () => {
        wantsMore = false
      },
      resume: () => {
        wantsMore = true
        setImmediate(feed)
      },
      cancel() {},
    })
    const chunk = Buffer.alloc(KIB_64)
    const total = 64 * 1_048_576
    const feed = () => {
      while (wantsMore && pushed < total) {
        pushed += chunk.byteLength
        if (!body.push(chunk)) return
      }
      if (pushed === total) body.end()
    }
    const answering = call(proxy(farm.urls[0] as string), { method: 'POST', body })
    await only(farm).when(() => only(farm).hits === 1)
    await standstill(() => pushed)
    // What fits into the buffers of two sockets is far less than the whole.
    expect(pushed).toBeLessThan(total / 2)
    only(farm).release()
    expect((await answering).status).toBe(200)
    expect(only(farm).requests[0]?.bodyBytes).toBe(total)
  })

  test('is a Readable as well', async () => {
    await using farm = await origins(1)
    const reply = await call(proxy(farm.urls[0] as string), {
      method: 'POST',
      body: Readable.from([Buffer.from('he'), Buffer.from('llo')]),
    })
    expect(reply.status).toBe(200)
    expect(only(farm).requests[0]?.body.toString()).toBe('hello')
  })

  test('of a layer that fails is an error of ours, not of the upstream', async () => {
    await using farm = await origins(2)
    const balancer = ledger(farm.urls)
    const upload = trickle()
    const answering = call(proxy(balancer), { method: 'PUT', body: upload.body })
    upload.push('hello')
    await only(farm).when(() => only(farm).requests[0]?.bodyBytes === 5)
    upload.fail(new TypeError('no'))
    expect((await answering).status).toBe(500)
    expect(balancer.kinds).toEqual(['cancelled'])
  })

  test('that is longer than its length says is an error of ours', async () => {
    await using farm = await origins(1)
    const upload = trickle(KIB_64 + 1)
    const answering = call(proxy(farm.urls[0] as string), { method: 'POST', body: upload.body })
    upload.push('x'.repeat(KIB_64))
    upload.push('xx')
    upload.end()
    expect((await answering).status).toBe(500)
    await only(farm).when(() => only(farm).sockets === 0)
  })
})

test('bodies come through whole, however they are cut', async () => {
  await using farm = await origins(1)
  const handler = proxy(farm.urls[0] as string)
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { minLength: 1, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(chunks, fc.boolean(), async (parts, isAnnounced) => {
      const all = Buffer.concat(parts)
      const upload = trickle(isAnnounced ? all.byteLength : undefined)
      const answering = call(handler, { method: 'POST', body: upload.body })
      for (const part of parts) {
        upload.body.push(part)
        await new Promise((resolve) => setImmediate(resolve))
      }
      upload.end()
      expect((await answering).status).toBe(200)
      expect(only(farm).requests.at(-1)?.body.equals(all)).toBe(true)
    }),
    { numRuns: 60, seed: 3 },
  )
})
