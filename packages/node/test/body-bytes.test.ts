import { bytesOf, HeaderList, json, type Layer } from '@gatelet/core'
import { rawRequest } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { ask, session } from './http2-client.ts'
import { later, serving, until } from './serving.ts'

const layer: Layer = async ({ request }) => {
  const { path } = request.url
  if (path === '/read') return json({ read: (await bytesOf(request.body, 1_000)).byteLength })
  if (path === '/stream') return { status: 200, headers: new HeaderList(), body: later('a'.repeat(700), 'b'.repeat(41)) }
  return path === '/empty' ? { status: 204, headers: new HeaderList(), body: null } : json({ ok: true })
}

// method, path, body; bytes read, bytes written
const rows = [
  ['GET', '/', '', 0, 11],
  ['HEAD', '/', '', 0, 0],
  ['GET', '/empty', '', 0, 0],
  ['GET', '/stream', '', 0, 741],
  ['POST', '/read', 'x'.repeat(123), 123, 12],
  ['POST', '/', 'x'.repeat(123), 0, 11],
] as const

test.each(rows)('%s %s tells in the end how much of both bodies went over HTTP/1', async (method, path, body, received, sent) => {
  await using server = await serving(layer)
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
  await rawRequest(server.port, `${method} ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n${length}\r\n${body}`)
  await server.ended(1)
  expect(server.finished[0]?.summary).toMatchObject({ receivedBytes: received, sentBytes: sent })
})

test.each(rows)('%s %s tells in the end how much of both bodies went over HTTP/2', async (method, path, body, received, sent) => {
  await using server = await serving(layer, { http2: true })
  await using client = session(server)
  await ask(client, { ':method': method, ':path': path }, body === '' ? undefined : body)
  await server.ended(1)
  expect(server.finished[0]?.summary).toMatchObject({ receivedBytes: received, sentBytes: sent })
})

test('a chunked body counts without its frame', async () => {
  await using server = await serving(layer)
  const body = '5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n'
  await rawRequest(
    server.port,
    `POST /read HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
  )
  await until(() => server.finished.length === 1)
  expect(server.finished[0]?.summary).toMatchObject({ receivedBytes: 8, sentBytes: 10 })
})

test('a reply that broke off counts what was written of it', async () => {
  await using server = await serving(() => ({
    status: 200,
    headers: new HeaderList({ 'content-length': '1000' }),
    body: later('a'.repeat(300)),
  }))
  await rawRequest(server.port, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await server.ended(1)
  expect(server.finished[0]?.summary).toMatchObject({ outcome: 'failed', sentBytes: 300 })
})
