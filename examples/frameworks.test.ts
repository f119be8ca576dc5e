import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { io } from 'socket.io-client'
import { describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { example, textOf } from '../test/example-program.ts'

/** A server behind: it tells what it was asked, sends one path elsewhere, and says everything back on WebSockets. */
async function server(): Promise<AsyncDisposable & { readonly url: string }> {
  const upstream = createServer(async (req, res) => {
    if (req.url === '/moved') {
      res.writeHead(302, { location: '/home' }).end()
      return
    }
    res.end(JSON.stringify({ url: req.url, body: await text(req), client: req.headers['x-forwarded-for'] }))
  })
  const sockets = new WebSocketServer({ server: upstream })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))))
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  return {
    url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      upstream.closeAllConnections()
      upstream.close()
    },
  }
}

const answerOf = async (response: Promise<Response>) => (await response).json()

async function echoed(url: string): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws'))
  await once(socket, 'open')
  socket.send('hello')
  const [data] = await once(socket, 'message')
  socket.close()
  return String(data)
}

async function echoedBySocketIo(url: string): Promise<string> {
  const socket = io(url, { transports: ['websocket'] })
  const word = await socket.timeout(5_000).emitWithAck('echo', 'hello')
  socket.close()
  return word
}

test.each([
  ['inside-express', ['limit.ts', 'inside-express.ts', 'nest-orders.ts', 'in-nest.ts']],
  ['inside-koa', ['limit.ts', 'inside-koa.ts']],
  ['inside-fastify', ['in-fastify.ts']],
])('the guide %s shows the programs as they are', (guide, programs) => {
  for (const program of programs) {
    expect(textOf(`docs/guides/${guide}.md`)).toContain(
      `<!-- examples/${program} -->\n\`\`\`ts\n${textOf(`examples/${program}`)}\`\`\``,
    )
  }
})

describe.each([
  ['inside-express', '/7'],
  ['inside-koa', '/users/7'],
])('%s', (program, path) => {
  test('keeps its own routes, gives paths and WebSockets to servers behind, and limits the rest', async () => {
    await using upstream = await server()
    const running = await example(`${program}.ts`, { USERS: upstream.url })
    await using _ = running.program
    const { url } = running
    expect(await answerOf(fetch(`${url}/users/7`))).toMatchObject({ url: path, client: '127.0.0.1' })
    const form = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a": 1}' }
    expect(await answerOf(fetch(`${url}/forms`, form))).toMatchObject({ body: expect.stringMatching(/^\{"a": ?1\}$/) })
    const forwarded = { headers: { 'x-forwarded-for': '203.0.113.9' } }
    expect(await answerOf(fetch(`${url}/users/7`, forwarded))).toMatchObject({ client: expect.stringMatching(/^203\.0\.113\.9/) })
    const broken = await fetch(`${url}/broken`)
    expect([broken.status, await broken.text()]).toEqual([500, expect.stringMatching(/^Sorry: /)])
    expect((await fetch(`${url}/admin//x`)).status).toBe(400)
    expect(await echoed(`${url}/live`)).toBe('hello')
    expect(await echoedBySocketIo(url)).toBe('hello')
    const first = await fetch(`${url}/orders/42`)
    const { left } = (await first.json()) as { left: number }
    expect([first.status, first.headers.get('x-left')]).toEqual([200, String(left)])
    let asked = 0
    while ((await fetch(`${url}/orders/42`)).status === 200 && asked < 300) asked++
    // More only where a new minute has begun meanwhile.
    expect(asked).toBeGreaterThanOrEqual(left)
    expect(asked).toBeLessThan(300)
    expect((await fetch(`${url}/users/7`)).status).toBe(200)
    running.program.kill('SIGTERM')
    expect(await running.program.ended).toBe(0)
  }, 60_000)
})

test('inside-express: where a server behind sends a client is below the mount', async () => {
  await using upstream = await server()
  const { program, url } = await example('inside-express.ts', { USERS: upstream.url })
  await using _ = program
  const moved = await fetch(`${url}/users/moved`, { redirect: 'manual' })
  expect(moved.headers.get('location')).toBe('/users/home')
}, 30_000)

test('in-fastify: one path and its WebSockets are ours, the others are Fastify’s', async () => {
  await using upstream = await server()
  const { program, url } = await example('in-fastify.ts', { USERS: upstream.url })
  await using _ = program
  expect(await answerOf(fetch(`${url}/livez`))).toEqual({ ok: true })
  expect(await answerOf(fetch(`${url}/users/7`))).toMatchObject({ url: expect.stringMatching(/7$/) })
  expect(await echoed(`${url}/users/live`)).toBe('hello')
  expect((await fetch(`${url}/elsewhere`)).status).toBe(404)
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)

test('in-nest: a limiter stands in front of the controllers, and servers behind a path', async () => {
  await using upstream = await server()
  const { program, url } = await example('in-nest.ts', { USERS: upstream.url })
  await using _ = program
  const order = await fetch(`${url}/orders/42`)
  expect([await order.json(), order.headers.has('x-left')]).toEqual([{ id: '42' }, true])
  const form = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a": 1}' }
  expect(await answerOf(fetch(`${url}/users/7`, form))).toMatchObject({ url: '/7', body: '{"a": 1}' })
  expect(await echoed(`${url}/live`)).toBe('hello')
  program.kill('SIGTERM')
  expect(await program.ended).toBe(0)
}, 60_000)
