import { once } from 'node:events'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { origins, rawClient, rawRequest } from '@gatelet/testing'
import { expect, test } from 'vitest'

const get = (target = '/') => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`

test('answers who it is and what it saw', async () => {
  await using farm = await origins(2)
  const reply = await fetch(`${farm.urls[1]}/a?b=c`, { headers: { 'x-test': '1' } })
  expect(reply.status).toBe(200)
  expect(await reply.json()).toMatchObject({ id: 1, method: 'GET', url: '/a?b=c', headers: { 'x-test': '1' } })
  expect(farm.servers.map(({ hits }) => hits)).toEqual([0, 1])
  expect(farm.hits).toBe(1)
})

test('remembers what came, byte for byte', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  await rawRequest(
    origin.port,
    'POST //a/../b?%zz HTTP/1.1\r\nHost: a\r\nX-Twice: 1\r\nx-twice: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    { responses: 1 },
  )
  expect(origin.requests).toMatchObject([
    {
      method: 'POST',
      url: '//a/../b?%zz',
      httpVersion: '1.1',
      rawHeaders: ['Host', 'a', 'X-Twice', '1', 'x-twice', '2', 'Transfer-Encoding', 'chunked'],
      headers: { 'x-twice': '1, 2' },
      bodyBytes: 5,
      complete: true,
      aborted: false,
      connection: 1,
      fault: undefined,
    },
  ])
  expect(origin.requests[0]?.body.toString()).toBe('abcde')
})

test('tells which requests shared a connection, and how many are open', async () => {
  await using farm = await origins(1)
  const origin = farm.servers[0]!
  {
    await using first = await rawClient(origin.port)
    first.write(get('/1') + get('/2'))
    await first.response()
    await first.response()
    await using second = await rawClient(origin.port)
    second.write(get('/3'))
    await second.response()
    expect(origin.requests.map(({ url, connection }) => [url, connection])).toEqual([
      ['/1', 1],
      ['/2', 1],
      ['/3', 2],
    ])
    expect([origin.sockets, origin.connections]).toEqual([2, 2])
  }
  await origin.when(() => origin.sockets === 0)
  expect(origin.connections).toBe(2)
})

test('keeps as many requests and bytes as it was told, and counts the rest', async () => {
  await using farm = await origins(1, { keepRequests: 2, keepBodyBytes: 3 })
  for (const path of ['/1', '/2', '/3']) await (await fetch(farm.urls[0] + path, { method: 'POST', body: 'abcdef' })).text()
  const origin = farm.servers[0]!
  expect(origin.hits).toBe(3)
  expect(origin.requests.map(({ url, body, bodyBytes }) => [url, body.toString(), bodyBytes])).toEqual([
    ['/2', 'abc', 6],
    ['/3', 'abc', 6],
  ])
})

test('lets one handler answer for all, or each have its own', async () => {
  await using same = await origins(2, { handler: (_, res, origin) => void res.end(`same ${origin.id}`) })
  await using own = await origins(2, { handler: [(_, res) => void res.end('a'), (_, res) => void res.end('b')] })
  const texts = await Promise.all([...same.urls, ...own.urls].map(async (url) => (await fetch(url)).text()))
  expect(texts).toEqual(['same 0', 'same 1', 'a', 'b'])
})

test('a handler can be changed while it runs, and reads the body itself', async () => {
  await using farm = await origins(1)
  farm.servers[0]!.handler = async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    res.end(Buffer.concat(chunks).toString().toUpperCase())
  }
  const reply = await fetch(farm.urls[0]!, { method: 'POST', body: 'hello' })
  expect(await reply.text()).toBe('HELLO')
  expect(farm.servers[0]?.requests[0]?.body.toString()).toBe('hello')
})

test.each([
  [
    'throws',
    () => {
      throw new Error('broken')
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
])('a handler that %s gives a 500 that says so', async (_, handler) => {
  await using farm = await origins(1, { handler })
  const reply = await fetch(farm.urls[0]!)
  expect([reply.status, await reply.text()]).toEqual([500, expect.stringContaining('broken')])
  expect(farm.servers[0]?.errors).toEqual([new Error('broken')])
})

test('a handler that throws in the middle of its answer breaks it off', async () => {
  await using farm = await origins(1, {
    handler(_, res) {
      res.writeHead(200, { 'content-length': 10 }).write('abc')
      throw new Error('broken')
    },
  })
  const reply = await rawRequest(farm.servers[0]!.port, get())
  expect(reply.responses).toMatchObject([{ status: 200, text: 'abc', complete: false }])
})

test('does not read a body that its handler does not read', async () => {
  await using farm = await origins(1, { handler: () => {} })
  const origin = farm.servers[0]!
  const sending = request(origin.url, { method: 'POST' })
  sending.on('error', () => {})
  let drained = true
  // Far more than every buffer on the way: the client's, two of the kernel, the server's.
  for (let sent = 0; sent < 32; sent++) drained = sending.write(Buffer.alloc(1_048_576))
  await origin.when(() => origin.hits === 1)
  expect(drained).toBe(false)
  expect(origin.requests[0]?.bodyBytes).toBeLessThan(1_048_576)
  sending.destroy()
})

test('says when the client left before the answer', async () => {
  await using farm = await origins(1, { handler: () => {} })
  const origin = farm.servers[0]!
  const client = await rawClient(origin.port)
  client.write(get())
  await origin.when(() => origin.hits === 1)
  expect(origin.requests[0]).toMatchObject({ complete: true, aborted: false })
  await client.reset()
  await origin.when(() => origin.requests[0]?.aborted)
})

test('when() rejects with what there is when the state does not come', async () => {
  await using farm = await origins(1)
  await expect(farm.servers[0]!.when(() => false, 10)).rejects.toThrow(
    'origin 0 did not come to the state in 10 ms: it has 0 requests (0 incomplete), 0 open connections of 0',
  )
  const broken = farm.servers[0]!.when(() => {
    throw new Error('broken')
  })
  await expect(broken).rejects.toThrow('broken')
})

test('a stopped origin drops its connections at once and refuses new ones, until it is started on the same port', async () => {
  await using farm = await origins(2, { handler: () => {} })
  const [origin] = farm.servers
  const port = origin!.port
  await using client = await rawClient(port)
  client.write(get())
  await origin!.when(() => origin!.hits === 1)
  await farm.stop(0)
  expect(['end', 'reset']).toContain(await client.left())
  expect(origin!.sockets).toBe(0)
  await expect(rawClient(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await farm.start(0)
  expect(origin!.port).toBe(port)
  await using again = await rawClient(port)
  again.write(get())
  await origin!.when(() => origin!.hits === 2)
})

test('can be stopped and started many times, and twice', async () => {
  await using farm = await origins(1)
  for (let times = 0; times < 20; times++) {
    await Promise.all([farm.stop(0), farm.stop(0)])
    await Promise.all([farm.start(0), farm.start(0)])
    expect(await rawRequest(farm.servers[0]!.port, get(), { responses: 1 })).toMatchObject({ responses: [{ status: 200 }] })
  }
})

test('waits for its port when another program has it for a moment, and tells when it keeps it', async () => {
  await using farm = await origins(1)
  const { port } = farm.servers[0]!
  await farm.stop(0)
  const other = createServer().listen(port, '127.0.0.1')
  await once(other, 'listening')
  await expect(farm.start(0)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  const starting = farm.start(0)
  other.close()
  await starting
  expect(await rawRequest(port, get(), { responses: 1 })).toMatchObject({ responses: [{ status: 200 }] })
})

test('reset() makes the farm as new', async () => {
  await using farm = await origins(2)
  const origin = farm.servers[0]!
  await (await fetch(origin.url)).text()
  origin.fault = { kind: 'status', status: 500 }
  origin.handler = (_, res) => void res.end('other')
  await farm.stop(1)
  await farm.reset()
  expect(origin).toMatchObject({ fault: undefined, hits: 0, requests: [], errors: [], connections: 0 })
  const replies = await Promise.all(farm.urls.map(async (url) => (await fetch(url)).json()))
  expect(replies).toMatchObject([{ id: 0 }, { id: 1 }])
})

test('close() ends what is open, and can be called again', async () => {
  const farm = await origins(2)
  await using client = await rawClient(farm.servers[0]!.port)
  client.write(get())
  await client.response()
  await farm.close()
  await farm.close()
  await client.left()
  for (const { port } of farm.servers) await expect(rawClient(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})

test('tells that there is no such origin', async () => {
  await using farm = await origins(2)
  await expect(farm.stop(2)).rejects.toThrow('there is no origin 2: the farm has 2')
})

const upgrade = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'

test('hands upgrades to their own handler', async () => {
  await using farm = await origins(1, {
    upgrade(_, socket, head) {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.write(head)
      socket.pipe(socket)
    },
  })
  const origin = farm.servers[0]!
  await using client = await rawClient(origin.port)
  client.write(`${upgrade}early`)
  await client.read('early')
  client.write('late')
  await client.read('late')
  expect(origin.requests).toMatchObject([{ url: '/ws', complete: true }])
  await farm.stop(0)
  await client.left()
})

test('an upgrade handler that throws gives a 500 that says so', async () => {
  await using farm = await origins(1, {
    upgrade() {
      throw new Error('broken')
    },
  })
  const reply = await rawRequest(farm.servers[0]!.port, upgrade)
  expect(reply.responses).toMatchObject([{ status: 500, text: expect.stringContaining('broken') }])
  expect(farm.servers[0]?.errors).toEqual([new Error('broken')])
})

test('answers upgrades as other requests when there is no handler for them', async () => {
  await using farm = await origins(1)
  const reply = await rawRequest(farm.servers[0]!.port, upgrade, { responses: 1 })
  expect(reply.responses).toMatchObject([{ status: 200 }])
})
