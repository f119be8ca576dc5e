import { once } from 'node:events'
import { connect } from 'node:http2'
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcWebTransport } from '@connectrpc/connect-web'
import { chain, GatewayError, HeaderList, PushSource, readableOf } from '@gatelet/core'
import { grpc, grpcWeb, grpcWebCors } from '@gatelet/grpc'
import { cors } from '@gatelet/router'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { trailersIn } from '../../src/web/trailer-frame.ts'
import { type Frame, FrameReader, frame } from '../../src/wire/frames.ts'
import { answering, gateway } from '../support/gateway.ts'
import { descriptors, type Shop, startShop } from '../support/shop.ts'

const path = '/shop.v1.Shop'
const named = (name: string) => Buffer.concat([Buffer.from([0x0a, name.length]), Buffer.from(name)])

function framesIn(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = []
  const reader = new FrameReader(1 << 20)
  reader.push(bytes, (each) => frames.push(each))
  expect(reader.isBetween).toBe(true)
  return frames
}

const binary = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' }
const asText = { 'content-type': 'application/grpc-web-text', accept: 'application/grpc-web-text' }

const post = (url: string, headers: Record<string, string>, body: Uint8Array | string) =>
  fetch(url, { method: 'POST', headers, body })

describe('a raw request', () => {
  test('in binary gets the message, and the trailers in a frame behind it', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const answer = await post(`${front.url}${path}/GetItem`, { ...binary, 'x-trace': 'abc' }, frame(named('lamp')))
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/grpc-web+proto')
    expect(answer.headers.get('x-trace')).toBe('abc')
    const [message, trailers, ...more] = framesIn(new Uint8Array(await answer.arrayBuffer()))
    expect(Buffer.from(message?.data ?? []).toString()).toContain('A lamp')
    expect(trailers?.flags).toBe(0x80)
    expect([...trailersIn(trailers?.data as Uint8Array)]).toEqual([
      ['grpc-status', '0'],
      ['grpc-message', 'OK'],
      ['x-cost', '12'],
      ['x-sum-bin', 'AP8B'],
    ])
    expect(more).toEqual([])
  })

  test('as text, each frame padded for itself, gets text', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const bytes = Buffer.from(frame(named('lamp')))
    const body = bytes.subarray(0, 4).toString('base64') + bytes.subarray(4).toString('base64')
    expect(body).toContain('==')
    const answer = await post(`${front.url}${path}/GetItem`, asText, body)
    expect(answer.headers.get('content-type')).toBe('application/grpc-web-text+proto')
    const [message, trailers] = framesIn(Buffer.from(await answer.text(), 'base64'))
    expect(Buffer.from(message?.data ?? []).toString()).toContain('A lamp')
    expect(trailersIn(trailers?.data as Uint8Array).get('grpc-status')).toBe('0')
  })

  test('by HTTP/2 gets the same', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const session = connect(front.url)
    const stream = session.request({ ':method': 'POST', ':path': `${path}/GetItem`, ...binary })
    stream.end(frame(named('lamp')))
    const chunks: Uint8Array[] = []
    stream.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    await once(stream, 'end')
    expect(framesIn(Buffer.concat(chunks)).map(({ flags }) => flags)).toEqual([0, 0x80])
    session.close()
  })

  test('that fails at once has its status in the head, and no body', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const answer = await post(`${front.url}${path}/Nothing`, binary, frame(named('lamp')))
    expect([answer.status, answer.headers.get('grpc-status')]).toEqual([200, '12'])
    expect((await answer.arrayBuffer()).byteLength).toBe(0)
  })

  test('that the gateway refuses gets a status, too', async () => {
    const refused = () => {
      throw new GatewayError('UNAUTHENTICATED')
    }
    await using front = await answering(chain().use(grpc()).use(grpcWeb()).to(refused))
    const answer = await post(`${front.url}${path}/GetItem`, binary, frame(named('lamp')))
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/grpc-web+proto'])
    expect(answer.headers.get('grpc-status')).toBe('16')
    expect(decodeURIComponent(answer.headers.get('grpc-message') ?? '')).toBe('Valid credentials are needed here')
  })

  test('that is no base64 is INVALID_ARGUMENT', async () => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    const answer = await post(`${front.url}${path}/GetItem`, asText, '!!!!')
    expect(answer.headers.get('grpc-status')).toBe('3')
    expect(shop.calls).toEqual([])
  })

  test('whose answer breaks off gets a status behind what came', async () => {
    const broken = () => {
      const body = new PushSource({ pause() {}, resume() {}, cancel() {} })
      body.push(frame(named('one')))
      setImmediate(() => body.fail(new GatewayError('UPSTREAM_RESET')))
      return { status: 200, headers: new HeaderList({ 'content-type': 'application/grpc' }), body }
    }
    await using front = await answering(chain().use(grpc()).use(grpcWeb()).to(broken))
    const answer = await post(`${front.url}${path}/GetItem`, binary, frame(named('lamp')))
    const [, trailers] = framesIn(new Uint8Array(await answer.arrayBuffer()))
    expect(trailersIn(trailers?.data as Uint8Array).get('grpc-status')).toBe('14')
  })

  test('with a compressed message passes as it is, flag and coding', async () => {
    let seen: Frame[] = []
    const looking = chain()
      .use(grpcWeb())
      .to(async ({ request }) => {
        expect(request.headers.get('content-type')).toBe('application/grpc+proto')
        expect(request.headers.get('grpc-encoding')).toBe('gzip')
        const chunks: Uint8Array[] = []
        for await (const chunk of readableOf(request.body)) chunks.push(chunk as Uint8Array)
        seen = framesIn(Buffer.concat(chunks))
        const headers = new HeaderList({ 'content-type': 'application/grpc+proto', 'grpc-encoding': 'gzip' })
        return { status: 200, headers, body: frame(Buffer.from('squeezed'), 1) }
      })
    await using front = await answering(looking)
    const answer = await post(`${front.url}/x/y`, { ...binary, 'grpc-encoding': 'gzip' }, frame(Buffer.from('packed'), 1))
    expect(seen.map(({ flags, data }) => [flags, Buffer.from(data).toString()])).toEqual([[1, 'packed']])
    expect(answer.headers.get('grpc-encoding')).toBe('gzip')
    const frames = framesIn(new Uint8Array(await answer.arrayBuffer()))
    expect(frames.map(({ flags }) => flags)).toEqual([1, 0x80])
  })
})

test('pages of other origins may ask after a preflight, and read the status of what fails', async () => {
  const open = cors({ allowOrigins: ['https://app.test'], ...grpcWebCors })
  const refused = () => {
    throw new GatewayError('FORBIDDEN')
  }
  await using front = await answering(chain().use(open).use(grpc()).use(grpcWeb()).to(refused))
  const origin = 'https://app.test'
  const preflight = await fetch(`${front.url}${path}/GetItem`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-grpc-web' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('x-grpc-web')
  const answer = await post(`${front.url}${path}/GetItem`, { ...binary, origin }, frame(named('lamp')))
  expect(answer.headers.get('access-control-expose-headers')).toContain('grpc-status')
  expect([answer.headers.get('access-control-allow-origin'), answer.headers.get('grpc-status')]).toEqual([origin, '7'])
})

test('any bytes in any pieces come through as text, both ways', async () => {
  const echo = chain()
    .use(grpcWeb())
    .to(({ request }) => ({ status: 200, headers: new HeaderList({ 'content-type': 'application/grpc' }), body: request.body }))
  await using front = await answering(echo)
  const messages = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(messages, fc.array(fc.nat(200), { maxLength: 6 }), async (parts, cuts) => {
      const bytes = Buffer.concat(parts.map((part) => frame(part)))
      const pieces = [...new Set(cuts)].sort((a, b) => a - b).map((cut) => Math.min(cut, bytes.length))
      let body = ''
      let from = 0
      for (const to of [...pieces, bytes.length]) {
        body += bytes.subarray(from, to).toString('base64')
        from = to
      }
      const answer = await post(`${front.url}/x/y`, asText, body)
      const frames = framesIn(Buffer.from(await answer.text(), 'base64'))
      expect(frames.slice(0, -1).map(({ data }) => Buffer.from(data).toString('hex'))).toEqual(
        parts.map((part) => Buffer.from(part).toString('hex')),
      )
    }),
    { seed: 10, numRuns: 100 },
  )
})

describe('the client of connect-web', () => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors))
  const client = (url: string) =>
    createClient(registry.getService('shop.v1.Shop') as never, createGrpcWebTransport({ baseUrl: url })) as unknown as Record<
      string,
      (message: object, options?: object) => Promise<Record<string, unknown>> & AsyncIterable<Record<string, unknown>>
    >

  const asked = async (work: (shop: Shop, client: ReturnType<typeof clientOf>) => Promise<void>) => {
    await using shop = await startShop()
    await using front = await gateway([shop.url])
    await work(shop, clientOf(front.url))
  }
  const clientOf = client

  test('makes a unary call, and is told of trailers', () =>
    asked(async (_, shop) => {
      let cost: string | null = null
      const onTrailer = (trailers: Headers) => {
        cost = trailers.get('x-cost')
      }
      expect(await shop['getItem']?.({ name: 'lamp' }, { onTrailer })).toMatchObject({
        title: 'A lamp',
        priceCents: 9_007_199_254_740_993n,
      })
      expect(cost).toBe('12')
    }))

  test('gets a stream', () =>
    asked(async (_, shop) => {
      const names = []
      for await (const { name } of shop['watchItems']?.({ count: 30 }) ?? []) names.push(name)
      expect(names.length).toBe(30)
    }))

  test('gets a status at once and in the middle of a stream', () =>
    asked(async (_, shop) => {
      const failed = (await shop['getItem']?.({ view: 'fail:5:no such thing ü' }).catch(
        (thrown: unknown) => thrown,
      )) as ConnectError
      expect(failed).toBeInstanceOf(ConnectError)
      expect([failed.code, failed.rawMessage]).toEqual([Code.NotFound, 'no such thing ü'])
      const heard: unknown[] = []
      const hearing = async () => {
        for await (const each of shop['watchItems']?.({ count: 3, failWith: 10 }) ?? []) heard.push(each)
      }
      await expect(hearing()).rejects.toMatchObject({ code: Code.Aborted, rawMessage: 'in the middle' })
      expect(heard.length).toBe(3)
    }))

  test('cancels, and gives up at its deadline', () =>
    asked(async (shop, calling) => {
      const controller = new AbortController()
      const hearing = async () => {
        for await (const _ of calling['watchItems']?.({ count: 2, pauseAfter: 1 }, { signal: controller.signal }) ?? [])
          controller.abort()
      }
      await expect(hearing()).rejects.toMatchObject({ code: Code.Canceled })
      await expect.poll(() => shop.cancelled).toEqual(['WatchItems'])
      const late = calling['watchItems']?.({ count: 2, pauseAfter: 1 }, { timeoutMs: 200 })
      const waiting = async () => {
        for await (const _ of late ?? []);
      }
      await expect(waiting()).rejects.toMatchObject({ code: Code.DeadlineExceeded })
    }))
})
