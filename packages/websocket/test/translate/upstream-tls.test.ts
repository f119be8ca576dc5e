import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { call } from '@gatelet/testing'
import { createWebSocketCalls, sseFromWebSocket } from '@gatelet/websocket'
import { describe, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { authority, certificate } from '../../../../test/certificates/certificates.ts'

/** A server of WebSockets over TLS, whose certificate an authority of its own has signed. It answers each call by its own id, and ends. */
async function secure() {
  const { cert, key } = certificate('a')
  const server = createServer({ cert, key })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data) => socket.send(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(String(data)).id, result: 7 })))
    if (socket.protocol === 'events') {
      socket.send('hello')
      socket.close(1000)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `wss://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const body = '{"jsonrpc":"2.0","id":1,"method":"seven"}'

describe('a server behind an authority of its own', () => {
  test('answers calls where that is given, and nowhere else', async () => {
    await using server = await secure()
    const trusting = createWebSocketCalls({ endpoints: server.url, tls: { ca: authority } })
    const others = createWebSocketCalls({ endpoints: server.url })
    expect(await (await call(trusting, { method: 'POST', body })).text()).toBe('{"jsonrpc":"2.0","id":1,"result":7}')
    const refused = await call(others, { method: 'POST', body })
    expect([refused.status, JSON.parse(await refused.text()).code]).toEqual([502, 'UPSTREAM_CERTIFICATE'])
    await Promise.all([trusting.close(), others.close()])
  })

  test('is not believed under another name', async () => {
    await using server = await secure()
    const calls = createWebSocketCalls({ endpoints: server.url, tls: { ca: authority, servername: 'other.example' } })
    expect((await call(calls, { method: 'POST', body })).status).toBe(502)
    await calls.close()
  })

  test('gives events where that is given, and nowhere else', async () => {
    await using server = await secure()
    const trusting = sseFromWebSocket({ endpoints: server.url, protocols: ['events'], tls: { ca: authority } })
    expect(await (await call(trusting)).text()).toContain('data: hello')
    expect((await call(sseFromWebSocket({ endpoints: server.url }))).status).toBe(502)
  })
})
