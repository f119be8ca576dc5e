import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createBalancer } from '@gatelet/balancer'
import { subscribe } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { type RawSocket, rawClient } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { between, gateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'
const handshake =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'

/** A tunnel, and what makes sure that the same comes out of it as goes in. */
async function opened() {
  const room = await between(async (connection) => {
    await connection.read('\r\n\r\n')
    connection.write(SWITCHED)
  })
  const client = await rawClient(room.port)
  client.write(handshake)
  await client.read('\r\n\r\n')
  const server = room.upstream.connections[0] as RawSocket
  const through = async (from: RawSocket, to: RawSocket, pieces: readonly Uint8Array[]) => {
    const before = to.receivedBytes
    const whole = Buffer.concat(pieces)
    for (const piece of pieces) from.write(piece)
    await until(() => to.receivedBytes - before >= whole.length)
    expect(to.received.subarray(before).equals(whole)).toBe(true)
  }
  return {
    client,
    server,
    through,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await room[Symbol.asyncDispose]()
    },
  }
}

const bytes = (...list: number[]) => Buffer.from(list)

describe('passes as it is, both ways:', () => {
  test.each([
    ['a message in fragments, with a ping between them', [bytes(0x01, 1, 97), bytes(0x89, 1, 120), bytes(0x80, 1, 98)]],
    ['a frame in single bytes', [...bytes(0x82, 126, 0, 3, 1, 2, 3)].map((byte) => bytes(byte))],
    ['a ping, a pong and an empty message', [bytes(0x89, 0), bytes(0x8a, 0), bytes(0x82, 0)]],
    ['reserved bits and opcodes', [bytes(0xf2, 1, 1), bytes(0x83, 0), bytes(0x8f, 0)]],
    ['a control frame that is too long, or in fragments', [bytes(0x89, 126, 0, 126), Buffer.alloc(126), bytes(0x09, 0)]],
    ['text that is no UTF-8', [bytes(0x81, 2, 0xc3, 0x28)]],
    ['a continuation of nothing', [bytes(0x80, 1, 1)]],
    ['a mask where there must be none, or none where there must be one', [bytes(0x82, 0x81, 1, 2, 3, 4, 5), bytes(0x82, 1, 5)]],
    ['a length that no frame has', [bytes(0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255), bytes(1, 2, 3)]],
    ['a close code that must not be sent', [bytes(0x88, 2, 3, 0xee)]],
    ['what is no frame at all', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
  ])('%s', async (_, pieces) => {
    await using tunnel = await opened()
    await tunnel.through(tunnel.client, tunnel.server, pieces)
    await tunnel.through(tunnel.server, tunnel.client, pieces)
  })

  test('anything', async () => {
    await using tunnel = await opened()
    const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(pieces, pieces, async (up, down) => {
        await tunnel.through(tunnel.client, tunnel.server, up)
        await tunnel.through(tunnel.server, tunnel.client, down)
      }),
      { seed: 3, numRuns: 50 },
    )
  })
})

test.each([
  ...(['two-choices', 'least-requests', 'peak-ewma', 'round-robin', 'random'] as const),
  ...(['first-available', 'hash', 'rendezvous', 'maglev', 'ring-hash'] as const),
])('%s balances WebSockets, and counts them for as long as they are open', async (strategy) => {
  const servers = [0, 1].map(() => new WebSocketServer({ port: 0, host: '127.0.0.1' }))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const endpoints = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const balancer = createBalancer({ endpoints, strategy })
  const open = () => balancer.endpoints.reduce((sum, { inflight }) => sum + inflight, 0)
  {
    await using front = await gateway(proxy(balancer))
    const clients = Array.from({ length: 8 }, () => new WebSocket(`ws://127.0.0.1:${front.port}`))
    await Promise.all(clients.map((client) => once(client, 'open')))
    expect(open()).toBe(8)
    expect(servers.reduce((sum, { clients }) => sum + clients.size, 0)).toBe(8)
    if (strategy === 'round-robin' || strategy === 'least-requests')
      expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([4, 4])
    clients[0]?.terminate()
    await until(() => open() === 7)
    for (const client of clients) client.close()
    await until(() => open() === 0)
  }
  for (const server of servers) server.close()
})

test('messages are told of both ways, as what is begun, with the bytes of their frames', async () => {
  const told: unknown[] = []
  const undo = subscribe('websocket:passed', ({ direction, messages, bytes }) => void told.push([direction, messages, bytes]))
  onTestFinished(undo)
  await using tunnel = await opened()
  const { client, server, through } = tunnel
  await through(client, server, [bytes(0x81, 0x81, 0, 0, 0, 0, 97, 0x89, 0x80, 0, 0, 0, 0)])
  await through(server, client, [bytes(0x01, 1, 97, 0x80, 1, 98, 0x82, 0)])
  expect(told).toEqual([
    ['received', 1, 13],
    ['sent', 2, 8],
  ])
})
