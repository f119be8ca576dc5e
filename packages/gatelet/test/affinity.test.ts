import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBalancer } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { origins } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

const affinity = { cookie: 'session', secret: 'a secret of the test' }
const whoAnswers = async (port: number, cookie?: string) => {
  const response = await fetch(`http://127.0.0.1:${port}/`, cookie ? { headers: { cookie } } : {})
  const { id } = (await response.json()) as { id: number }
  return { id, status: response.status, cookie: response.headers.getSetCookie()[0]?.split(';')[0] }
}

test('a client stays at its server over real sockets, at each of two gateways', async () => {
  await using farm = await origins(3)
  const balancers = [0, 1].map(() => createBalancer({ endpoints: farm.urls, affinity }))
  const [one, two] = await Promise.all(balancers.map((balancer) => serve(proxy(balancer), { host: '127.0.0.1', port: 0 })))
  if (!one || !two) throw new Error('not listening')
  const ports = [one, two].map((server) => server.port)
  const { id, cookie } = await whoAnswers(ports[0] as number)
  expect(cookie).toMatch(/^session=[\w-]{22}$/)
  for (let request = 0; request < 12; request++) {
    const answer = await whoAnswers(ports[request % 2] as number, cookie)
    expect(answer).toEqual({ id, status: 200, cookie: undefined })
  }
  await Promise.all([one.close(), two.close()])
})

test('a client whose server dies goes on at another one, with its request and a new cookie', async () => {
  await using farm = await origins(2)
  const balancer = createBalancer({ endpoints: farm.urls, affinity })
  await using server = await serve(proxy(balancer), { host: '127.0.0.1', port: 0 })
  const first = await whoAnswers(server.port)
  await farm.stop(first.id)
  const next = await whoAnswers(server.port, first.cookie)
  expect(next).toMatchObject({ id: 1 - first.id, status: 200, cookie: expect.stringMatching(/^session=/) })
  expect(await whoAnswers(server.port, next.cookie)).toEqual({ id: next.id, status: 200, cookie: undefined })
})

/** A server that says its number to each WebSocket. */
async function socketServer(number: number) {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.send(String(number)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets.clients) socket.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Opens a WebSocket: which server it is at, and the cookie that it got. */
async function connected(port: number, cookie?: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, cookie ? { headers: { cookie } } : {})
  const upgraded = once(socket, 'upgrade')
  const [message] = await once(socket, 'message')
  const [response] = await upgraded
  const set: string | undefined = response.headers['set-cookie']?.[0]
  const closed = once(socket, 'close')
  socket.close()
  await closed
  return { at: String(message), cookie: set?.split(';')[0] }
}

test('a WebSocket begins a session and goes where it is', async () => {
  const servers = await Promise.all([0, 1, 2].map(socketServer))
  const balancer = createBalancer({ endpoints: servers.map(({ url }) => url), affinity })
  const server = await serve(proxy(balancer), { host: '127.0.0.1', port: 0 })
  const first = await connected(server.port)
  expect(first.cookie).toMatch(/^session=/)
  for (let again = 0; again < 10; again++) {
    expect(await connected(server.port, first.cookie)).toEqual({ at: first.at, cookie: undefined })
  }
  await server.close()
  await Promise.all(servers.map((each) => each.close()))
  await expect.poll(() => balancer.endpoints.every(({ inflight }) => inflight === 0)).toBe(true)
})
