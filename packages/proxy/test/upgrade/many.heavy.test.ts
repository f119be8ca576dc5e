import { once } from 'node:events'
import { createBalancer } from '@gatelet/balancer'
import { subscribe } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { baseline } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { gatewayProcess, program } from '../support/child.ts'
import type { Told } from '../support/websocket-clients.ts'
import type { Listening } from '../support/websocket-origin.ts'

const isShort = process.env['HEAVY_SHORT'] === '1'
const MIB = 1_048_576

/** Clients and a server of WebSockets in processes of their own, with a gateway in this one between them. */
async function between(count: number) {
  const origin = await program<Listening>('websocket-origin.ts')
  const balancer = createBalancer({ endpoints: [`http://127.0.0.1:${origin.ready.port}`], strategy: 'least-requests' })
  const forward = proxy(balancer)
  const server = await serve(forward, { port: 0, host: '127.0.0.1', maxConnections: 20_000 })
  const ends: string[] = []
  const stop = subscribe('request:finished', ({ summary }) => void ends.push(`${summary.outcome} ${summary.status}`))
  const clients = await program<Told>('websocket-clients.ts', String(server.port), String(count))
  return {
    origin,
    server,
    clients,
    ends,
    inflight: () => balancer.endpoints[0]?.inflight,
    async [Symbol.asyncDispose]() {
      await clients[Symbol.asyncDispose]()
      await origin[Symbol.asyncDispose]()
      await server.close({ graceMs: 0 })
      await forward.close()
      await balancer.close()
      stop()
    },
  }
}

const soon = { timeout: 60_000, interval: 50 }

const many = isShort ? 1_000 : 9_000
test(`${many} open connections say something at once, and each gets its own back`, async () => {
  const before = baseline()
  {
    await using scene = await between(many)
    expect([scene.clients.ready.open, scene.inflight(), scene.server.connections]).toEqual([many, many, many])
    for (let round = 1; round <= 3; round++) {
      scene.clients.send('say')
      await expect.poll(async () => (await scene.clients.ask<Told>('tell')).echoed, soon).toBe(round * many)
    }
    expect((await scene.clients.ask<Told>('tell')).closed).toBe(0)
    // All leave at once.
    await scene.clients[Symbol.asyncDispose]()
    await expect.poll(scene.inflight, soon).toBe(0)
    expect(scene.ends).toEqual(Array(many).fill('finished 101'))
  }
  await before.settled()
})

test('an upstream that is killed with 1,000 connections open closes them all within a second, and counts are zero', async () => {
  const before = baseline()
  {
    await using scene = await between(1_000)
    expect(scene.inflight()).toBe(1_000)
    const killedAt = performance.now()
    await scene.origin[Symbol.asyncDispose]()
    await expect.poll(async () => (await scene.clients.ask<Told>('tell')).closed, soon).toBe(1_000)
    const tookMs = performance.now() - killedAt
    console.log(`all closed ${tookMs.toFixed(0)} ms after the kill`)
    // Ten times the second that is promised: this machine has other things to do.
    expect(tookMs).toBeLessThan(10_000)
    expect((await scene.clients.ask<Told>('tell')).codes).toEqual({ 1011: 1_000 })
    await expect.poll(() => [scene.inflight(), scene.server.connections], soon).toEqual([0, 0])
    expect(scene.ends).toEqual(Array(1_000).fill('finished 101'))
  }
  await before.settled()
})

test('a message of 100 MB passes both ways, whole or in fragments, while the gateway holds little of it', async () => {
  const size = 100_000_000
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: size, perMessageDeflate: false })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data, { binary: true })))
  await once(sockets, 'listening')
  {
    await using gateway = await gatewayProcess(`http://127.0.0.1:${(sockets.address() as { port: number }).port}`)
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port}`, { maxPayload: size, perMessageDeflate: false })
    await once(client, 'open')
    const message = Buffer.alloc(size, 'abcdefg')
    const pass = async (send: () => void) => {
      const echoed = once(client, 'message')
      send()
      const [echo] = (await echoed) as [Buffer]
      expect(echo.equals(message)).toBe(true)
    }
    client.send('warm')
    await once(client, 'message')
    const { now } = await gateway.memory()
    await pass(() => client.send(message))
    await pass(() => {
      for (let at = 0; at < size; at += MIB) client.send(message.subarray(at, at + MIB), { fin: at + MIB >= size })
    })
    const { peak } = await gateway.memory()
    console.log(`the gateway grew by ${((peak - now) / MIB).toFixed(0)} MiB at most`)
    expect(peak - now).toBeLessThan(60 * MIB)
    client.terminate()
  }
  for (const socket of sockets.clients) socket.terminate()
  sockets.close()
})
