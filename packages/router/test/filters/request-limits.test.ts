import { once } from 'node:events'
import { connect, type IncomingHttpHeaders, type IncomingHttpStatusHeader, type OutgoingHttpHeaders } from 'node:http2'
import { bytesOf, chain, type Handler, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { type RequestLimitsOptions, requestLimits } from '@gatelet/router'
import { call, describeMiddleware, type Origin, origins, rawClient, rawRequest } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { refusal, untyped } from '../refusal.ts'

describeMiddleware('requestLimits', () => requestLimits({ maxBodyBytes: 1_000, maxTargetBytes: 100 }), {
  describe,
  test,
  refuses: `/${'x'.repeat(100)}`,
})

const echo: Handler = async ({ request }) => text(`read ${(await bytesOf(request.body, 1_000_000)).byteLength}`)
const limited = (options: RequestLimitsOptions, handler = echo) => chain().use(requestLimits(options)).to(handler)
async function answered(options: RequestLimitsOptions, request: Parameters<typeof call>[1]): Promise<unknown[]> {
  const reply = await call(limited(options), request)
  if (reply.status === 200) return [200, await reply.text()]
  const { code, detail } = await reply.json<{ code: string; detail?: string }>()
  return [reply.status, code, detail]
}

describe('a request that is too large', () => {
  const headers = { host: 'a', 'x-a': '12345' } // 4 + 1 + 4, 3 + 5 + 4
  test.each<[string, RequestLimitsOptions, Parameters<typeof call>[1], unknown[]]>([
    ['body', { maxBodyBytes: 4 }, { body: 'hello' }, [413, 'BODY_TOO_LARGE', 'At most 4 bytes are allowed']],
    ['body, which is just right', { maxBodyBytes: 5 }, { body: 'hello' }, [200, 'read 5']],
    ['body in bytes, not characters', { maxBodyBytes: 2 }, { body: '€' }, [413, 'BODY_TOO_LARGE', 'At most 2 bytes are allowed']],
    ['body where none may be', { maxBodyBytes: 0 }, { body: 'x' }, [413, 'BODY_TOO_LARGE', 'At most 0 bytes are allowed']],
    ['body, of which there is none', { maxBodyBytes: 0 }, '/', [200, 'read 0']],
    ['target', { maxTargetBytes: 5 }, '/abc?d', [414, 'TARGET_TOO_LONG', 'At most 5 bytes are allowed']],
    ['target, which is just right', { maxTargetBytes: 6 }, '/abc?d', [200, 'read 0']],
    ['target as it came', { maxTargetBytes: 6 }, '/a/../b', [414, 'TARGET_TOO_LONG', 'At most 6 bytes are allowed']],
    ['number of fields', { maxHeaderFields: 1 }, { headers }, [431, 'HEADERS_TOO_LARGE', 'At most 1 fields are allowed']],
    ['number of fields, which is just right', { maxHeaderFields: 2 }, { headers }, [200, 'read 0']],
    ['header', { maxHeaderBytes: 20 }, { headers }, [431, 'HEADERS_TOO_LARGE', 'At most 20 bytes are allowed']],
    ['header, which is just right', { maxHeaderBytes: 21 }, { headers }, [200, 'read 0']],
    [
      'header of a handshake',
      { maxHeaderFields: 1 },
      { kind: 'upgrade' },
      [431, 'HEADERS_TOO_LARGE', 'At most 1 fields are allowed'],
    ],
  ])('%s', async (_, options, request, expected) => {
    expect(await answered(options, request)).toEqual(expected)
  })

  test('is let through where nothing is bounded', async () => {
    expect(await answered({}, { body: 'x'.repeat(100_000), url: `/${'x'.repeat(9_000)}` })).toEqual([200, 'read 100000'])
  })
})

const head = (more: string) => `POST / HTTP/1.1\r\nHost: a\r\n${more}\r\n\r\n`

describe('over a socket', () => {
  test('a body that is announced is refused before any of it is read, and no client is told to go on', async () => {
    let asked = 0
    const handler = limited({ maxBodyBytes: 10 }, (ctx) => {
      asked++
      return echo(ctx)
    })
    await using server = await serve(handler, { port: 0, host: '127.0.0.1' })
    const { text, responses } = await rawRequest(server.port, head('Content-Length: 11\r\nExpect: 100-continue'), {
      responses: 1,
    })
    expect(responses.map(({ status }) => status)).toEqual([413])
    expect(text).not.toContain('100 Continue')
    const long = await rawRequest(server.port, head('Content-Length: 9000000000'), { responses: 1 })
    expect([long.responses[0]?.status, long.responses[0]?.headers.get('connection')]).toEqual([413, 'close'])
    expect(asked).toBe(0)
    const right = await rawRequest(server.port, `${head('Content-Length: 10')}0123456789`, { responses: 1 })
    expect(right.responses[0]?.text).toBe('read 10')
  })

  test('a body that comes in chunks is counted, and refused when it is too much', async () => {
    await using server = await serve(limited({ maxBodyBytes: 10 }), { port: 0, host: '127.0.0.1' })
    const ask = async (chunks: string) =>
      (await rawRequest(server.port, head('Transfer-Encoding: chunked') + chunks, { responses: 1 })).responses[0]
    expect((await ask('a\r\n0123456789\r\n0\r\n\r\n'))?.text).toBe('read 10')
    expect((await ask('a\r\n0123456789\r\n1\r\nx\r\n0\r\n\r\n'))?.status).toBe(413)
    // No end in sight.
    expect((await ask('ffffff\r\n0123456789abcdef'))?.status).toBe(413)
  })

  test('a body in chunks can be refused by what is not said of it', async () => {
    await using server = await serve(limited({ requireLength: true }), { port: 0, host: '127.0.0.1' })
    const { responses } = await rawRequest(server.port, head('Transfer-Encoding: chunked\r\nExpect: 100-continue'), {
      responses: 1,
    })
    expect(responses.map(({ status }) => status)).toEqual([411])
    expect((await rawRequest(server.port, `${head('Content-Length: 1')}x`, { responses: 1 })).responses[0]?.status).toBe(200)
    expect((await rawRequest(server.port, head(''), { responses: 1 })).responses[0]?.text).toBe('read 0')
  })

  test('an upload that turns out to be too long is broken off at the upstream, too', async () => {
    await using farm = await origins(1)
    const [origin] = farm.servers as [Origin]
    const upstream = proxy(farm.urls[0] as string)
    await using server = await serve(limited({ maxBodyBytes: 10 }, upstream), { port: 0, host: '127.0.0.1' })
    await using client = await rawClient(server.port)
    client.write(`${head('Transfer-Encoding: chunked')}5\r\nhello\r\n`)
    await origin.when(() => origin.requests[0]?.bodyBytes === 5)
    client.write('6\r\nworlds\r\n')
    expect((await client.response()).status).toBe(413)
    await origin.when(() => origin.requests[0]?.aborted)
    expect(origin.requests[0]?.bodyBytes).toBe(5)
    await upstream.close()
  })

  test('what is announced and short enough can still go to another endpoint', async () => {
    await using farm = await origins(1)
    const upstream = proxy(farm.urls[0] as string)
    await using server = await serve(limited({ maxBodyBytes: 10 }, upstream), { port: 0, host: '127.0.0.1' })
    const { responses } = await rawRequest(server.port, `${head('Content-Length: 5')}hello`, { responses: 1 })
    expect(responses[0]?.status).toBe(200)
    expect(farm.servers[0]?.requests[0]?.headers).toMatchObject({ 'content-length': '5' })
    await upstream.close()
  })
})

test('over HTTP/2 a body is refused by what is announced, and as it comes, too', async () => {
  await using server = await serve(limited({ maxBodyBytes: 10 }), { port: 0, host: '127.0.0.1', http2: true })
  const session = connect(`http://127.0.0.1:${server.port}`)
  const ask = async (body: string, headers: OutgoingHttpHeaders = {}) => {
    const stream = session.request({ ':method': 'POST', ':path': '/', ...headers })
    stream.on('error', () => {})
    stream.end(body)
    const [{ ':status': status }] = (await once(stream, 'response')) as [IncomingHttpHeaders & IncomingHttpStatusHeader]
    stream.close()
    return status
  }
  expect(await ask('0123456789')).toBe(200)
  expect(await ask('0123456789a')).toBe(413)
  expect(await ask('0123456789a', { 'content-length': '11' })).toBe(413)
  session.destroy()
})

test.each<[options: unknown, path: string, right: RegExp]>([
  [{ maxBodyBytes: -1 }, 'maxBodyBytes', /bytes from 0/],
  [{ maxBodyBytes: '1mb' }, 'maxBodyBytes', /bytes from 0/],
  [{ requireLength: 1 }, 'requireLength', /true or false/],
  [{ maxHeaderFields: 0 }, 'maxHeaderFields', /fields from 1/],
  [{ maxHeaderBytes: 1.5 }, 'maxHeaderBytes', /a whole number of bytes/],
  [{ maxTargetBytes: Number.NaN }, 'maxTargetBytes', /bytes from 1/],
])('requestLimits refuses %j', (options, path, right) => {
  const error = refusal(() => requestLimits(untyped<RequestLimitsOptions>(options)))
  expect(error).toMatchObject({ code: 'BAD_OPTION', path })
  expect(error.message).toMatch(right)
})
