import { createBalancer } from '@gatelet/balancer'
import { chain, GatewayError, type Handler, problem } from '@gatelet/core'
import { grpc } from '@gatelet/grpc'
import { serve } from '@gatelet/node'
import { type ProxyOptions, proxy } from '@gatelet/proxy'
import { type Client, Metadata, status } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { type Fields, shopClient, startShop, unary } from './support/shop.ts'

interface Front extends AsyncDisposable {
  readonly url: string
}

async function gateway(urls: readonly string[], options: ProxyOptions = {}): Promise<Front> {
  const balancer = createBalancer({ endpoints: [...urls], strategy: 'round-robin' })
  const front = await answering(
    chain()
      .use(grpc())
      .to(proxy(balancer, { http2: true, ...options })),
  )
  return {
    url: front.url,
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]()
      await balancer.close()
    },
  }
}

async function answering(handler: Handler): Promise<Front> {
  const server = await serve(handler, { host: '127.0.0.1', port: 0, http2: true })
  return { url: server.url, [Symbol.asyncDispose]: () => server.close({ graceMs: 0 }) }
}

type Stream = NodeJS.ReadWriteStream & { cancel(): void }
const stream = (client: Client, method: string, ...args: unknown[]): Stream =>
  (client as unknown as Record<string, (...args: unknown[]) => Stream>)[method]?.(...args) as Stream

describe('gRPC passes through', () => {
  test('a unary call, with metadata both ways, binary too, and trailers', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const metadata = new Metadata()
    metadata.set('x-trace', 'abc')
    metadata.set('x-key-bin', Buffer.from([0, 1, 254, 255]))
    const { message, headers, trailers } = await unary(client, 'GetItem', { name: 'lamp' }, metadata)
    expect(message).toMatchObject({ name: 'lamp', price_cents: '9007199254740993' })
    expect(headers.get('x-trace')).toEqual(['abc'])
    expect(headers.get('x-key-bin')).toEqual([Buffer.from([0, 1, 254, 255])])
    expect(trailers.get('x-cost')).toEqual(['12'])
    expect(trailers.get('x-sum-bin')).toEqual([Buffer.from([0, 255, 1])])
  })

  test('a status, its message in any script, and trailers, without a message', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const failed = unary(client, 'GetItem', { view: 'fail:5:no such thing, ü 100 % 木' })
    await expect(failed).rejects.toMatchObject({ code: status.NOT_FOUND, details: 'no such thing, ü 100 % 木' })
    const error = (await failed.catch((thrown: unknown) => thrown)) as { metadata: Metadata }
    expect(error.metadata.get('x-why')).toEqual(['test'])
  })

  test('a stream of the server', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const names: unknown[] = []
    for await (const each of stream(client, 'WatchItems', { count: 100 })) names.push((each as unknown as Fields)['name'])
    expect(names).toEqual(Array.from({ length: 100 }, (_, at) => `item ${at}`))
  })

  test('a stream of the client', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const answer = new Promise((resolve, reject) => {
      const call = stream(client, 'ImportItems', (error: Error | null, value: unknown) =>
        error ? reject(error) : resolve(value),
      )
      for (const title of ['a', 'b', 'c']) call.write({ title } as never)
      call.end()
    })
    expect(await answer).toMatchObject({ count: 3, titles: ['a', 'b', 'c'] })
  })

  test('both at once: each message is answered before the next is sent', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'Chat')
    const heard = call[Symbol.asyncIterator]()
    for (const title of ['one', 'two', 'three']) {
      call.write({ title } as never)
      expect((await heard.next()).value).toMatchObject({ title: `echo ${title}` })
    }
    call.end()
    expect((await heard.next()).done).toBe(true)
  })

  test('a status in the middle of a conversation', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'Chat')
    const heard = call[Symbol.asyncIterator]()
    call.write({ title: 'one' } as never)
    await heard.next()
    call.write({ title: 'fail' } as never)
    await expect(heard.next()).rejects.toMatchObject({ code: status.ABORTED, details: 'said fail' })
  })

  test('messages of 16 MiB, both ways', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const raw = Buffer.alloc(16 << 20, 'abcdefg')
    const { message } = await unary(client, 'Echo', { raw })
    expect(raw.equals(message['raw'] as Buffer)).toBe(true)
  })
})

describe('a call ends on both sides', () => {
  test('when the client cancels it', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'WatchItems', { count: 2, pause_after: 1 })
    await new Promise((resolve) => call.once('data', resolve))
    call.on('error', () => {})
    call.cancel()
    await expect.poll(() => shop.cancelled).toEqual(['WatchItems'])
  })

  test('when its deadline passes, of which the server is told', async () => {
    const deadlines: unknown[] = []
    await using shop = await startShop({
      GetItem: (call: { getDeadline(): Date }) => void deadlines.push(call.getDeadline()),
    })
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const asked = Date.now()
    const failed = unary(client, 'GetItem', {}, new Metadata(), { deadline: asked + 300 })
    await expect(failed).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED })
    expect(Number(deadlines[0])).toBeGreaterThan(asked)
    expect(Number(deadlines[0])).toBeLessThan(asked + 3_000)
  })

  test('with a status, when the server dies in the middle', async () => {
    const shop = await startShop()
    await using front = await gateway([shop.url])
    using client = shopClient(front.url)
    const call = stream(client, 'WatchItems', { count: 2, pause_after: 1 })
    await new Promise((resolve) => call.once('data', resolve))
    const failed = new Promise((resolve) => call.once('error', resolve))
    await shop[Symbol.asyncDispose]()
    expect(await failed).toMatchObject({ code: status.UNAVAILABLE, details: 'The server broke the connection off' })
  })
})

describe('what is no answer of gRPC becomes one', () => {
  const asked = async (handler: Handler) => {
    await using front = await answering(chain().use(grpc()).to(handler))
    using client = shopClient(front.url)
    return (await unary(client, 'GetItem', {}).catch((thrown: unknown) => thrown)) as {
      code: number
      details: string
      metadata: Metadata
    }
  }

  test('an error that is thrown', async () => {
    const failed = await asked(() => {
      throw new GatewayError('UNAUTHENTICATED', { headers: { 'www-authenticate': 'Bearer' } })
    })
    expect(failed).toMatchObject({ code: status.UNAUTHENTICATED, details: 'Valid credentials are needed here' })
    expect(failed.metadata.get('www-authenticate')).toEqual(['Bearer'])
  })

  test('a problem that a layer answers with', async () => {
    const failed = await asked(() => problem({ status: 429, title: 'Too many requests', detail: 'Wait a little' }))
    expect(failed).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'Too many requests. Wait a little' })
  })

  test.each([
    [400, status.INTERNAL],
    [403, status.PERMISSION_DENIED],
    [404, status.UNIMPLEMENTED],
    [502, status.UNAVAILABLE],
    [418, status.UNKNOWN],
  ])('a page with status %i', async (httpStatus, code) => {
    const page = () => problem({ status: httpStatus, title: '' })
    const failed = await asked(() => {
      const reply = page()
      reply.headers.set('content-type', 'text/html')
      return reply
    })
    expect(failed).toMatchObject({ code, details: `HTTP status ${httpStatus}` })
  })

  test('no server at all', async () => {
    await using front = await gateway(['http://127.0.0.1:9'])
    using client = shopClient(front.url)
    await expect(unary(client, 'GetItem', {})).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: 'The server could not be reached',
    })
  })
})

test('calls on one connection go to all servers in turn', async () => {
  await using one = await startShop()
  await using other = await startShop()
  await using front = await gateway([one.url, other.url])
  using client = shopClient(front.url)
  for (let asked = 0; asked < 10; asked++) await unary(client, 'GetItem', { name: 'lamp' })
  expect([one.calls.length, other.calls.length]).toEqual([5, 5])
})
