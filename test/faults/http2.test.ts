import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createBalancer } from '@gatelet/balancer'
import { proxy } from '@gatelet/proxy'
import { call } from '@gatelet/testing'
import { expect, test } from 'vitest'

// An upstream that speaks HTTP/2.

interface Upstream extends AsyncDisposable {
  readonly url: string
  readonly sessions: ServerHttp2Session[]
}

async function upstream(answer: (stream: ServerHttp2Stream) => void, settings = {}): Promise<Upstream> {
  const server: Http2Server = createServer({ settings })
  const sessions: ServerHttp2Session[] = []
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => {})
    sessions.push(session)
  })
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    answer(stream)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const fine = (stream: ServerHttp2Stream) => {
  stream.respond({ ':status': 200 })
  stream.end('fine')
}

test('a stream that is refused goes elsewhere, a POST too: nothing was done with it', async () => {
  let refusals = 0
  await using refusing = await upstream((stream) => {
    refusals++
    stream.close(constants.NGHTTP2_REFUSED_STREAM)
  })
  await using good = await upstream(fine)
  const balancer = createBalancer({ endpoints: [refusing.url, good.url], strategy: 'round-robin', ejection: false })
  const forward = proxy(balancer, { http2: true })
  for (let asked = 0; asked < 6; asked++) {
    const reply = await call(forward, { method: asked % 2 ? 'POST' : 'GET', body: asked % 2 ? 'x' : null })
    expect(await reply.text()).toBe('fine')
  }
  expect(refusals).toBeGreaterThan(0)
  expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([0, 0])
  await forward.close()
  await balancer.close()
})

test('an upstream that says GOAWAY after each answer loses no request', async () => {
  await using leaving = await upstream((stream) => {
    fine(stream)
    const { session } = stream
    stream.once('close', () => session?.goaway())
  })
  const forward = proxy(leaving.url, { http2: true })
  for (let asked = 0; asked < 20; asked++) expect(await (await call(forward)).text()).toBe('fine')
  expect(leaving.sessions.length).toBeGreaterThan(1)
  await forward.close()
})

test('an upstream whose window stays at zero is 504 for an upload, and others go on', async () => {
  await using closed = await upstream(
    (stream) => {
      if (stream.sentHeaders === undefined && stream.readableEnded) fine(stream)
    },
    { initialWindowSize: 0 },
  )
  const forward = proxy(closed.url, { http2: true, timeouts: { headersMs: 300, bodyIdleMs: 300, totalMs: 1_000 } })
  const reply = await call(forward, { method: 'POST', body: 'x'.repeat(100_000) })
  expect(reply.status).toBe(504)
  await forward.close()
})
