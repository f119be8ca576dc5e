import { discard } from '@gatelet/core'
import { type LambdaInvocation, lambda, lambdaHttp } from '@gatelet/functions'
import { serve } from '@gatelet/node'
import { call, eventFrame, exchange, lambdaEmulator } from '@gatelet/testing'
import { AwsClient } from 'aws4fetch'
import { describe, expect, test, vi } from 'vitest'

const NULS = Buffer.alloc(8)
const prelude = (head: object, body = '') => Buffer.concat([Buffer.from(JSON.stringify(head)), NULS, Buffer.from(body)])

/** Where nobody listens any more. */
async function nobody(): Promise<string> {
  const { url, close } = await lambdaEmulator({})
  await close()
  return url
}

async function codeOf(answer: Awaited<ReturnType<typeof call>>): Promise<[number, string]> {
  return [answer.status, (await answer.json<{ code: string }>()).code]
}

/** Asks, and leaves when the body has begun. */
async function readAndLeave(url: string): Promise<void> {
  const control = new AbortController()
  const response = await fetch(url, { signal: control.signal })
  await response.body?.getReader().read()
  control.abort()
}

describe('a call', () => {
  test('is the one of Lambda’s invoke interface, and its result the reply', async () => {
    await using aws = await lambdaEmulator({
      'orders:1': (event: { rawPath: string; body?: string }) => ({ statusCode: 201, body: `${event.rawPath} ${event.body}` }),
    })
    const handler = lambda(lambdaHttp({ url: aws.url, name: 'orders:1', qualifier: 'live' }))
    const request = { method: 'POST', url: '/a/b', headers: { 'content-type': 'text/plain' }, body: 'hi' }
    const answer = await call(handler, request)
    expect([answer.status, await answer.text()]).toEqual([201, '/a/b hi'])
    expect(aws.calls[0]).toMatchObject({
      name: 'orders:1',
      qualifier: 'live',
      headers: { 'x-amz-invocation-type': 'RequestResponse', 'content-type': 'application/json' },
    })
  })

  test('that failed is 502, and what the function said stays here', async () => {
    await using aws = await lambdaEmulator({
      broken: () => {
        throw new Error('the password is x')
      },
    })
    const answer = await call(lambda(lambdaHttp({ url: aws.url, name: 'broken' })))
    const text = await answer.text()
    expect([answer.status, text]).toEqual([502, expect.stringContaining('FUNCTION_FAILED')])
    expect(text).not.toContain('password')
  })

  test('to an emulator that tells of a failure in the body alone is a failure, and to Lambda itself it is an answer', async () => {
    const told = { errorType: 'Error', errorMessage: 'no' }
    await using aws = await lambdaEmulator({ quiet: () => told })
    const sign = async (url: string, init: RequestInit) => new Request(url, init)
    expect((await call(lambda(lambdaHttp({ url: aws.url, name: 'quiet' })))).status).toBe(502)
    const answer = await call(lambda(lambdaHttp({ url: aws.url, name: 'quiet', sign })))
    expect([answer.status, await answer.json()]).toEqual([200, told])
  })

  test('is signed by who can', async () => {
    await using aws = await lambdaEmulator({ hello: () => 'hi' })
    const signer = new AwsClient({ accessKeyId: 'AKID', secretAccessKey: 'secret', region: 'eu-central-1', service: 'lambda' })
    const sign = (url: string, init: RequestInit) => signer.sign(url, init)
    expect((await call(lambda(lambdaHttp({ url: `${aws.url}/`, name: 'hello', sign })))).status).toBe(200)
    expect(aws.calls[0]?.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-central-1\/lambda\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
    )
  })

  test.each([
    [429, 503, 'FUNCTION_BUSY', '1'],
    [413, 413, 'BODY_TOO_LARGE', undefined],
    [404, 502, 'UPSTREAM_BAD_RESPONSE', undefined],
    [500, 502, 'UPSTREAM_BAD_RESPONSE', undefined],
    [403, 502, 'UPSTREAM_BAD_RESPONSE', undefined],
  ])('that the service answers with %i is %i %s', async (status, ours, code, retryAfter) => {
    const fetch = async () => new Response('{"Message":"secret"}', { status })
    const answer = await call(lambda(lambdaHttp({ url: 'http://127.0.0.1:9', name: 'x', fetch })))
    expect(answer.headers.get('retry-after')).toBe(retryAfter)
    expect(await codeOf(answer)).toEqual([ours, code])
  })

  test('that reaches nobody is 502, a redirect too, and a long answer', async () => {
    const to = (fetch: () => Promise<Response>) => call(lambda(lambdaHttp({ url: 'http://127.0.0.1:9', name: 'x', fetch })))
    expect(await codeOf(await call(lambda(lambdaHttp({ url: await nobody(), name: 'x' }))))).toEqual([
      502,
      'UPSTREAM_CONNECT_FAILED',
    ])
    expect(await codeOf(await to(async () => new Response('x'.repeat(6_291_457))))).toEqual([502, 'RESPONSE_TOO_LARGE'])
  })

  test('ends when its client leaves', async () => {
    let left: AbortSignal | undefined
    await using aws = await lambdaEmulator({
      slow: (_event, { signal }) => {
        left = signal
        return new Promise(() => {})
      },
    })
    const side = exchange('/')
    const answer = lambda(lambdaHttp({ url: aws.url, name: 'slow' }))(side.ctx)
    await vi.waitUntil(() => left)
    side.abort()
    await expect(answer).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    await vi.waitUntil(() => left?.aborted)
  })
})

describe('a streamed answer', () => {
  const streaming = (url: string, how: 'http' | 'raw' = 'http') => lambda(lambdaHttp({ url, name: 'stream' }), { streaming: how })

  test('has the head that was written in front of it, and its body as it comes', async () => {
    let goOn: () => void = () => {}
    const gate = new Promise<void>((resolve) => (goOn = resolve))
    await using aws = await lambdaEmulator({
      async *stream() {
        yield prelude({ statusCode: 203, headers: { 'x-a': '1' }, cookies: ['c=1'] }, 'first ')
        await gate
        yield Buffer.from('last')
      },
    })
    await using server = await serve(streaming(aws.url), { port: 0, host: '127.0.0.1' })
    const response = await fetch(server.url)
    expect([response.status, response.headers.get('x-a'), response.headers.getSetCookie()]).toEqual([203, '1', ['c=1']])
    const reader = response.body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first ')
    goOn()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('last')
    expect((await reader?.read())?.done).toBe(true)
  })

  test('may be the body and nothing else', async () => {
    await using aws = await lambdaEmulator({
      *stream() {
        yield Buffer.from('all of it')
      },
    })
    const answer = await call(streaming(aws.url, 'raw'))
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'application/octet-stream',
      'all of it',
    ])
  })

  test('that breaks off never looks whole', async () => {
    await using aws = await lambdaEmulator({
      *stream() {
        yield prelude({ statusCode: 200 }, 'part')
        throw new Error('secret')
      },
    })
    await using server = await serve(streaming(aws.url), { port: 0, host: '127.0.0.1' })
    const response = await fetch(server.url)
    await expect(response.text()).rejects.toThrow()
  })

  test.each([
    ['without a head', [Buffer.from('{"statusCode":200}')]],
    ['with a head that is no JSON', [Buffer.concat([Buffer.from('{"statusCode"'), NULS])]],
    ['with a status that is none', [prelude({ statusCode: 42 })]],
    ['with a head without end', Array.from({ length: 40 }, () => Buffer.alloc(4_096, 'x'))],
    ['that is empty', []],
  ])('%s is 502', async (_, chunks) => {
    await using aws = await lambdaEmulator({ stream: () => chunks })
    expect(await codeOf(await call(streaming(aws.url)))).toEqual([502, 'UPSTREAM_BAD_RESPONSE'])
  })

  test('that fails before its head is 502', async () => {
    await using aws = await lambdaEmulator({
      stream: () => {
        throw new Error('secret')
      },
    })
    expect(await codeOf(await call(streaming(aws.url)))).toEqual([502, 'FUNCTION_FAILED'])
  })

  test('is read wherever its chunks have their borders: head, event stream and body', async () => {
    const whole = Buffer.concat([
      eventFrame('PayloadChunk', prelude({ statusCode: 200, headers: { 'x-a': '1' } }, '\0\0body')),
      eventFrame('PayloadChunk', Buffer.from(' and more')),
      eventFrame('InvokeComplete', Buffer.from('{}')),
    ])
    const type = { headers: { 'content-type': 'application/vnd.amazon.eventstream' } }
    for (let at = 1; at < whole.byteLength; at++) {
      const parts = [whole.subarray(0, at), whole.subarray(at)]
      const fetch = async () => new Response(ReadableStream.from(parts) as unknown as ReadableStream<Uint8Array>, type)
      const answer = await call(lambda(lambdaHttp({ url: 'http://127.0.0.1:9', name: 'x', fetch }), { streaming: 'http' }))
      expect([answer.headers.get('x-a'), await answer.text()]).toEqual(['1', '\0\0body and more'])
    }
  })

  test('finds the eight NUL bytes wherever the chunks of the head have their borders', async () => {
    const whole = prelude({ statusCode: 200, headers: { 'x-a': '1' } }, '\0x')
    for (let size = 1; size <= whole.byteLength; size++) {
      const parts = Array.from({ length: Math.ceil(whole.byteLength / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size),
      )
      const invoker = {
        invoke: () => Promise.reject(new Error('not streamed')),
        stream: async () => ReadableStream.from(parts) as unknown as AsyncIterable<Uint8Array>,
      }
      const answer = await call(lambda(invoker, { streaming: 'http' }))
      expect([answer.headers.get('x-a'), await answer.text()]).toEqual(['1', '\0x'])
    }
  })

  test.each([
    ['cut within a message', (whole: Buffer) => whole.subarray(0, -3)],
    ['without its end', (whole: Buffer) => whole.subarray(0, 0)],
    [
      'with a wrong checksum',
      (whole: Buffer) => Buffer.concat([whole.subarray(0, -1), Buffer.from([(whole[whole.length - 1] as number) ^ 1])]),
    ],
    ['with a length of nothing', (whole: Buffer) => Buffer.concat([Buffer.alloc(12), whole])],
  ])('in an event stream %s breaks off', async (_, spoil) => {
    const first = eventFrame('PayloadChunk', prelude({ statusCode: 200 }, 'body'))
    const last = eventFrame('InvokeComplete', Buffer.from('{}'))
    const fetch = async () =>
      new Response(Buffer.concat([first, spoil(last)]), { headers: { 'content-type': 'application/vnd.amazon.eventstream' } })
    const answer = await call(lambda(lambdaHttp({ url: 'http://127.0.0.1:9', name: 'x', fetch }), { streaming: 'http' })).catch(
      (error) => error,
    )
    if (answer.status === 200) await expect(answer.text()).rejects.toThrow()
    else expect(answer.status).toBe(502)
  })

  test('of an exception of the service is a failure', async () => {
    const frames = eventFrame('ThrottlingException', Buffer.from('{}'), 'exception')
    const fetch = async () => new Response(frames, { headers: { 'content-type': 'application/vnd.amazon.eventstream' } })
    const answer = await call(lambda(lambdaHttp({ url: 'http://127.0.0.1:9', name: 'x', fetch }), { streaming: 'http' }))
    expect(await codeOf(answer)).toEqual([502, 'FUNCTION_FAILED'])
  })

  test('stops the function when its client leaves', async () => {
    let left: AbortSignal | undefined
    await using aws = await lambdaEmulator({
      async *stream(_event, { signal }) {
        left = signal
        yield prelude({ statusCode: 200 }, 'x')
        for (;;) {
          if (signal.aborted) return
          yield Buffer.alloc(65_536)
          await new Promise((resolve) => setTimeout(resolve, 2))
        }
      },
    })
    await using server = await serve(streaming(aws.url), { port: 0, host: '127.0.0.1' })
    await readAndLeave(server.url)
    await vi.waitUntil(() => left?.aborted, 5_000)
  })

  test('stops a function that is silent when its client leaves', async () => {
    let left: AbortSignal | undefined
    await using aws = await lambdaEmulator({
      async *stream(_event, { signal }) {
        left = signal
        yield prelude({ statusCode: 200 }, 'x')
        await new Promise(() => {})
      },
    })
    await using server = await serve(streaming(aws.url), { port: 0, host: '127.0.0.1' })
    await readAndLeave(server.url)
    await vi.waitUntil(() => left?.aborted, 5_000)
  })

  test.each(['http', 'raw'] as const)('that a layer drops stops the function, in the form %s', async (how) => {
    let left: AbortSignal | undefined
    const invoker = {
      invoke: () => Promise.reject(new Error('not streamed')),
      stream: async ({ signal }: LambdaInvocation) => {
        left = signal
        return (async function* () {
          yield prelude({ statusCode: 200 }, 'x')
          await new Promise(() => {})
        })()
      },
    }
    const reply = await lambda(invoker, { streaming: how })(exchange('/').ctx)
    discard(reply.body)
    await vi.waitUntil(() => left?.aborted, 5_000)
  })
})
