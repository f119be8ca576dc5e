import { auth, sameOrigin, session } from '@gatelet/auth'
import { bytesOf, chain, empty, HeaderList, json, type Reply, switchProtocols } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { createRouter } from '@gatelet/router'
import { rawRequest } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'

const handshake =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='

function hangsUp(): Reply {
  return {
    status: 101,
    headers: new HeaderList(),
    body: null,
    upgrade(socket, _, headers) {
      switchProtocols(socket, headers)
      socket.end()
    },
  }
}

/** A site that people log into, on a connection without TLS. */
async function scene() {
  const sessions = session({ secrets: 'a secret of at least 32 characters', secure: false })
  const members = chain().use(auth(sessions))
  const routes = createRouter()
    .post('/login', async (ctx) => {
      const name = Buffer.from(await bytesOf(ctx.request.body, 100)).toString()
      return empty({ status: 303, headers: { location: '/me', 'set-cookie': await sessions.create({ subject: name }) } })
    })
    .get(
      '/me',
      members.to((ctx) => json({ you: ctx.state.principal.subject })),
    )
    .post(
      '/orders',
      members.to(() => empty(201)),
    )
    .get('/chat', members.to(hangsUp))
    .post('/logout', () => empty({ status: 303, headers: { location: '/', 'set-cookie': sessions.clear() } }))
  const server = await serve(chain().use(sameOrigin()).to(routes), { port: 0, host: '127.0.0.1' })
  onTestFinished(() => server.close({ graceMs: 0 }).then(() => {}))
  const login = await fetch(`${server.url}/login`, {
    method: 'POST',
    body: 'ada',
    headers: { origin: server.url },
    redirect: 'manual',
  })
  const [cookie = ''] = login.headers.getSetCookie()[0]?.split(';') ?? []
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(server.url + path, { method, headers: { cookie, ...headers }, redirect: 'manual' })
  const connect = async (fields: string) => {
    const reply = await rawRequest(
      server.port,
      `GET /chat HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n${fields}${handshake}\r\n\r\n`,
    )
    return reply.responses.at(-1)?.status
  }
  return { server, cookie, ask, connect }
}

test('who has logged in is known until they log out', async () => {
  const { ask, server } = await scene()
  expect(await (await ask('/me')).json()).toEqual({ you: 'ada' })
  expect((await ask('/orders', { origin: server.url }, 'POST')).status).toBe(201)
  const [cleared = ''] = (await ask('/logout', { origin: server.url }, 'POST')).headers.getSetCookie()
  expect(cleared).toMatch(/^session=; Max-Age=0;/)
  expect((await ask('/me', { cookie: cleared.slice(0, cleared.indexOf(';')) })).status).toBe(401)
})

test('what a page of another site sends in their name is refused', async () => {
  const { ask } = await scene()
  for (const said of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }, {}])
    expect((await ask('/orders', said as Record<string, string>, 'POST')).status).toBe(403)
})

test('a page of ours may open a WebSocket in their name, one of another site may not', async () => {
  const { cookie, connect, server } = await scene()
  expect(await connect(`Cookie: ${cookie}\r\nOrigin: ${server.url}\r\n`)).toBe(101)
  expect(await connect(`Cookie: ${cookie}\r\nOrigin: https://evil.example\r\n`)).toBe(403)
  expect(await connect(`Cookie: ${cookie}\r\n`)).toBe(403)
  expect(await connect(`Origin: ${server.url}\r\n`)).toBe(401)
})
