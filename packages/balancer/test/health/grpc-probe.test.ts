import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { rawServer } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'
import { firstCheck } from './scene.ts'

const pem = (name: string) => readFileSync(new URL(`../../../proxy/test/support/tls/${name}.pem`, import.meta.url), 'utf8')

type Answer = (stream: ServerHttp2Stream, body: Buffer, headers: Record<string, unknown>) => void

async function listening(server: Http2Server, answer: Answer): Promise<number> {
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => answer(stream, Buffer.concat(chunks), headers))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function found(answer: Answer, service?: string) {
  const port = await listening(createServer(), answer)
  const given = service === undefined ? {} : { service }
  const { health, lastCheck } = await firstCheck(`http://127.0.0.1:${port}`, { type: 'grpc', timeoutMs: 500, ...given })
  return { health, error: lastCheck?.error }
}

/** Answers with a message of these bytes and a status in the trailers. */
const saying =
  (message: readonly number[], status = '0'): Answer =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]))
  }

test('SERVING is healthy, and the request is what the protocol says', async () => {
  const seen: unknown[] = []
  const answer = await found((stream, body, headers) => {
    seen.push(headers[':method'], headers[':path'], headers['content-type'], headers['te'], [...body])
    saying([8, 1])(stream, body, headers)
  }, 'shop')
  expect(answer.health).toBe('healthy')
  const message = [0, 0, 0, 0, 6, 10, 4, ...Buffer.from('shop')]
  expect(seen).toEqual(['POST', '/grpc.health.v1.Health/Check', 'application/grpc', 'trailers', message])
})

test.each([
  ['NOT_SERVING', saying([8, 2]), 'it says NOT_SERVING'],
  ['another status', saying([8, 1], '14'), 'it answered with gRPC status 14'],
  [
    'a refusal without a message',
    ((stream) => stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true })) as Answer,
    'it answered with gRPC status 5',
  ],
  ['HTTP 404', ((stream) => stream.respond({ ':status': 404 }, { endStream: true })) as Answer, 'it answered with 404'],
  [
    'no status',
    ((stream) => {
      stream.respond({ ':status': 200 })
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]))
    }) as Answer,
    'it answered with gRPC status unknown',
  ],
  ['nothing', (() => {}) as Answer, 'no result within 500 ms'],
  ['a reset', ((stream) => stream.close(2)) as Answer, /INTERNAL_ERROR/],
  [
    'GOAWAY and the end',
    ((stream) => {
      stream.session?.goaway(11)
      stream.session?.destroy()
    }) as Answer,
    /closed|ERR_HTTP2|GOAWAY|did not answer|session/i,
  ],
  [
    'too much',
    ((stream) => {
      stream.respond({ ':status': 200 })
      stream.end(Buffer.alloc(200_000))
    }) as Answer,
    'it answered with more than 65536 bytes',
  ],
])('%s is unhealthy', async (_what, answer, error) => {
  const view = await found(answer)
  expect(view.health).toBe('unhealthy')
  expect(view.error).toMatch(error)
})

test('an endpoint of a TCP balancer is asked in plain HTTP/2', async () => {
  const port = await listening(createServer(), saying([8, 1]))
  expect((await firstCheck(`tcp://127.0.0.1:${port}`, { type: 'grpc' })).health).toBe('healthy')
})

test('a server that speaks no HTTP/2 is unhealthy', async () => {
  await using server = await rawServer((connection) => void connection.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expect((await firstCheck(server.url, { type: 'grpc', timeoutMs: 500 })).health).toBe('unhealthy')
})

test('TLS with a certificate that is trusted, and without one', async () => {
  const port = await listening(createSecureServer({ cert: pem('cert'), key: pem('key') }), saying([8, 1]))
  const url = `https://localhost:${port}`
  expect((await firstCheck(url, { type: 'grpc', tls: { ca: pem('cert') } })).health).toBe('healthy')
  expect((await firstCheck(url, { type: 'grpc' })).lastCheck?.error).toMatch(/certificate|self.signed/)
})
