import { once } from 'node:events'
import { connect } from 'node:net'
import { type Handler, json, switchProtocols } from '@gatelet/core'
import { toFetch } from '@gatelet/fetch'
import { serve } from '@gatelet/node'
import { rateLimit } from '@gatelet/rate-limiter'
import { origins } from '@gatelet/testing'
import { createGateway } from 'gatelet'
import { expect, test } from 'vitest'
import { ok } from './fakes.ts'

const statusesOf = async (url: string, times: number) => {
  const found: number[] = []
  while (found.length < times) found.push((await fetch(url)).status)
  return found
}

test('in front of a handler that serve() runs', async () => {
  const limit = rateLimit({ limit: 2, per: '1h' })
  await using server = await serve((ctx) => limit(ctx, ok), { host: '127.0.0.1', port: 0 })
  expect(await statusesOf(server.url, 3)).toEqual([200, 200, 429])
})

test('in a fetch host', async () => {
  const limit = rateLimit({ limit: 2, per: '1h' })
  const handle = toFetch((ctx) => limit(ctx, ok), { client: () => '192.0.2.1' })
  const ask = async () => (await handle(new Request('http://a.test/'))) as Response
  const replies = [await ask(), await ask(), await ask()]
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 429])
  expect(replies.at(-1)?.headers.get('retry-after')).toBe('1800')
  expect(await replies.at(-1)?.json()).toMatchObject({ 'violated-policies': ['2-per-1h'] })
})

test('in a gateway: for every request, and for one route alone', async () => {
  await using farm = await origins(1)
  const gateway = createGateway({
    upstreams: { users: { endpoints: farm.urls } },
    use: [rateLimit({ name: 'all', limit: 6, per: '1h' })],
    routes: [
      { path: '/users/*', to: 'users', use: [rateLimit({ name: 'users', limit: 2, per: '1h' })] },
      { path: '/livez', to: () => json({ ok: true }) },
    ],
  })
  await using server = await serve(gateway, { host: '127.0.0.1', port: 0 })
  expect(await statusesOf(`${server.url}/users/1`, 3)).toEqual([200, 200, 429])
  expect(await statusesOf(`${server.url}/livez`, 4)).toEqual([200, 200, 200, 429])
  expect(farm.hits).toBe(2)
  await gateway.close()
})

test('an upgraded connection holds its slot until it is closed', async () => {
  const limit = rateLimit({ limit: 1, algorithm: 'concurrency' })
  const tunnel: Handler = (ctx) => ({
    ...json({}, 101),
    body: null,
    upgrade: (socket, head, headers) => {
      switchProtocols(socket, headers.set('connection', 'upgrade').set('upgrade', 'websocket'))
      socket.on('error', () => {}).pipe(socket)
      void [ctx, head]
    },
  })
  await using server = await serve((ctx) => limit(ctx, tunnel), { host: '127.0.0.1', port: 0 })
  const open = async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [data] = await once(socket, 'data')
    return { socket, status: Number(String(data).slice(9, 12)) }
  }
  const first = await open()
  const second = await open()
  expect([first.status, second.status]).toEqual([101, 429])
  second.socket.destroy()
  first.socket.destroy()
  await expect
    .poll(async () => {
      const { socket, status } = await open()
      socket.destroy()
      return status
    })
    .toBe(101)
})
