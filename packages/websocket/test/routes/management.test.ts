import { empty, text } from '@gatelet/core'
import { call } from '@gatelet/testing'
import { createWebSocketApi, memoryConnectionBus, webSocketManagement } from '@gatelet/websocket'
import { describe, expect, test } from 'vitest'
import { latch, recorder, runningApi } from './api.ts'

async function connected() {
  const events = recorder()
  const api = await runningApi({ routes: { $connect: events.to, $default: () => text('') } })
  const client = await api.open('/', { headers: { 'user-agent': 'test' } })
  const id = events.events[0]?.requestContext.connectionId ?? ''
  const manage = webSocketManagement({ api: api.api, authorize: 'anyone' })
  const ask = (method: string, body?: string | Uint8Array, path = `/prod/@connections/${encodeURIComponent(id)}`) =>
    call(manage, { method, url: path, ...(body !== undefined && { body }) })
  return { api, client, id, ask, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() }
}

test('POST sends: text as text, bytes as bytes', async () => {
  await using site = await connected()
  const { client, ask } = site
  expect((await ask('POST', 'hällo')).status).toBe(200)
  expect((await ask('POST', Buffer.from([0xff, 0]))).status).toBe(200)
  expect(await client.some(2)).toEqual(['hällo', Buffer.from([0xff, 0])])
})

test('GET tells of the connection', async () => {
  await using site = await connected()
  const { ask } = site
  const reply = await ask('GET')
  expect(reply.status).toBe(200)
  expect(JSON.parse(await textIn(reply))).toEqual({
    connectedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    lastActiveAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    identity: { sourceIp: '127.0.0.1', userAgent: 'test' },
  })
})

test('DELETE closes, after which there is none', async () => {
  await using site = await connected()
  const { client, ask } = site
  expect((await ask('DELETE')).status).toBe(204)
  expect(await client.closed()).toBe(1000)
  for (const method of ['POST', 'GET', 'DELETE'])
    expect((await ask(method, method === 'POST' ? 'x' : undefined)).status).toBe(410)
})

test.each(['nobody', 'aaaaaaaaaaaa.x', 'a%20b', '__proto__'])('nobody is called %s', async (id) => {
  await using site = await connected()
  const { ask } = site
  expect((await ask('GET', undefined, `/@connections/${id}`)).status).toBe(410)
})

test.each(['/@connections', '/@connections/', '/connections/a', '/'])('%s is no connection', async (path) => {
  await using site = await connected()
  const { ask } = site
  expect((await ask('GET', undefined, path)).status).toBe(404)
})

test('other methods are refused, and those that are allowed named', async () => {
  await using site = await connected()
  const { ask } = site
  const reply = await ask('PUT', 'x')
  expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST, DELETE'])
})

test('what is too long is refused with 413', async () => {
  await using site = await connected()
  const { ask } = site
  expect((await ask('POST', 'x'.repeat(131_072))).status).toBe(200)
  expect((await ask('POST', 'x'.repeat(131_073))).status).toBe(413)
})

test('a client that does not read gets no more: 429', async () => {
  await using site = await connected()
  const { client, ask } = site
  client.socket.pause()
  let status = 200
  for (let sent = 0; sent < 1_000 && status === 200; sent++) status = (await ask('POST', 'x'.repeat(131_072))).status
  expect(status).toBe(429)
  expect((await ask('POST', 'x')).headers.get('retry-after')).toBe('1')
  client.socket.terminate()
})

describe('guard', () => {
  const api = createWebSocketApi({ routes: { $default: () => empty() } })

  test('does not start without a word on who may', () => {
    expect(() => webSocketManagement({ api } as never)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', path: 'authorize' }),
    )
  })

  test.each(['POST', 'GET', 'DELETE', 'HEAD'])(
    'answers 403 to %s of those who may not, whether there is the connection or not',
    async (method) => {
      await using site = await connected()
      const { api, id } = site
      const asked: string[] = []
      const manage = webSocketManagement({
        api: api.api,
        async authorize(_, connectionId) {
          asked.push(connectionId)
          return false
        },
      })
      expect((await call(manage, { method, url: `/@connections/${id}` })).status).toBe(403)
      expect((await call(manage, { method, url: '/@connections/nobody' })).status).toBe(403)
      expect(asked).toEqual([id, 'nobody'])
    },
  )

  test('takes nothing but true for a yes', async () => {
    const manage = webSocketManagement({ api, authorize: () => ({ allowed: false }) as never })
    expect((await call(manage, '/@connections/a')).status).toBe(403)
  })
})

test('two APIs on one bus reach each other’s connections', async () => {
  const bus = memoryConnectionBus()
  const { promise, done } = latch()
  let id = ''
  const learn = recorder(({ requestContext }) => {
    id = requestContext.connectionId
    done()
    return empty()
  })
  await using one = await runningApi({ bus, routes: { $connect: learn.to } })
  const two = createWebSocketApi({ bus, routes: { $default: () => empty() } })
  const client = await one.open()
  await promise
  expect(await two.post(id, 'from two')).toBe('done')
  expect(await client.some(1)).toEqual(['from two'])
  expect(await two.look(id)).toMatchObject({ identity: { sourceIp: '127.0.0.1' } })
  expect(await two.disconnect(id)).toBe(true)
  expect(await client.closed()).toBe(1000)
  await one.api.close()
  expect(await two.post(id, 'late')).toBe('gone')
})

async function textIn(reply: Awaited<ReturnType<typeof call>>): Promise<string> {
  return reply.text()
}
