import { baseline, rawClient, rawRequest, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

test('a server sees every byte that a client sends, and the client every byte back', async () => {
  await using server = await rawServer()
  await using client = await rawClient(server.port)
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  client.write(all)
  client.write('é\r')
  await server.when(() => server.connections[0]?.receivedBytes === 258)
  expect(server.connections[0]?.received).toEqual(Buffer.concat([all, Buffer.from('é\r', 'latin1')]))
  server.connections[0]?.write(all)
  expect(await client.read(256)).toBe(all.toString('latin1'))
})

test('a dialogue is read piece by piece: to a text, a pattern, a number of bytes', async () => {
  await using server = await rawServer((connection) => connection.write('220 ready\r\n250-a\r\n250 b\r\nrest'))
  await using client = await rawClient(server.port)
  expect(await client.read('\r\n')).toBe('220 ready\r\n')
  expect(await client.read(/^250 .*\r\n/m)).toBe('250-a\r\n250 b\r\n')
  expect(await client.read(2)).toBe('re')
  expect(await client.read(/(?=t)/g)).toBe('s')
  expect(client.received.toString()).toBe('220 ready\r\n250-a\r\n250 b\r\nrest')
})

test('read() rejects with what came instead, when the time is over or the connection closes', async () => {
  await using server = await rawServer((connection) => connection.write('HTTP'))
  await using client = await rawClient(server.port)
  await client.read('H')
  await expect(client.read('\r\n', 10)).rejects.toThrow('no "\\r\\n" came; instead: "TTP"')
  server.connections[0]?.end()
  await expect(client.read(9)).rejects.toThrow('no 9 bytes came before the connection closed (end); instead: "TTP"')
  await expect(client.response()).rejects.toThrow('no whole response came before the connection closed (end)')
})

test('responses are read one after the other, interim ones passed over', async () => {
  await using server = await rawServer(async (connection) => {
    connection.write(`HTTP/1.1 100 Continue\r\n\r\n${ok}HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n`)
    await connection.read('more')
    connection.write('x')
  })
  await using client = await rawClient(server.port)
  expect(await client.response()).toMatchObject({ status: 200, text: 'ok' })
  client.write('more')
  expect(await client.response()).toMatchObject({ status: 404, text: 'x' })
})

test('a response to HEAD is whole at the end of its head', async () => {
  await using server = await rawServer((connection) => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'))
  await using client = await rawClient(server.port)
  expect(await client.response(true)).toMatchObject({ status: 200, text: '', complete: true })
})

test('a response that the connection cuts off is handed over as it is', async () => {
  await using server = await rawServer((connection) => {
    connection.write(ok.slice(0, -1))
    connection.end()
  })
  await using client = await rawClient(server.port)
  expect(await client.response()).toMatchObject({ text: 'o', complete: false })
})

test('each side sees how the other left', async () => {
  await using server = await rawServer()
  await using ending = await rawClient(server.port)
  await using breaking = await rawClient(server.port)
  await server.when(() => server.connections.length === 2)
  const [first, second] = server.connections
  expect([first!.closed, second!.closed]).toEqual(['open', 'open'])
  ending.end()
  breaking.write('bytes before it')
  await breaking.reset()
  expect(await first!.left()).toBe('end')
  expect(await second!.left()).toBe('reset')
  expect(second!.received.toString()).toBe('bytes before it')
  first!.write('after their end')
  await ending.read('after their end')
  await first!.reset()
  expect(await ending.left()).toBe('reset')
})

test('left() rejects while the other side is there', async () => {
  await using server = await rawServer()
  await using client = await rawClient(server.port)
  await expect(client.left(10)).rejects.toThrow('the other side has not left after 10 ms')
})

test('a paused side makes the other meet back-pressure', async () => {
  const bytes = 33_554_432
  await using server = await rawServer((connection) => connection.pause())
  await using client = await rawClient(server.port)
  await server.when(() => server.connections.length === 1)
  client.write(Buffer.alloc(bytes))
  const [connection] = server.connections
  expect(connection!.receivedBytes).toBe(0)
  connection!.resume()
  await server.when(() => connection!.receivedBytes === bytes)
})

test('a connection that brings more than can be kept is reset', async () => {
  await using server = await rawServer()
  await using client = await rawClient(server.port)
  client.write(Buffer.alloc(67_108_865))
  expect(await client.left(20_000)).toBe('reset')
})

test('a server keeps 1000 connections and closes those beyond', async () => {
  await using server = await rawServer()
  const clients = []
  for (let count = 0; count < 1000; count++) clients.push(await rawClient(server.port))
  await server.when(() => server.connections.length === 1000)
  await using beyond = await rawClient(server.port)
  await beyond.left()
  expect(clients.every(({ closed }) => closed === 'open')).toBe(true)
  expect(server.connections.length).toBe(1000)
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()))
})

test('what a script throws resets its connection, and is kept', async () => {
  await using server = await rawServer(async (connection, index) => {
    await connection.read('\n')
    throw new Error(`broken ${index}`)
  })
  await using client = await rawClient(server.port)
  client.write('\n')
  expect(await client.left()).toBe('reset')
  expect(server.errors).toEqual([new Error('broken 0')])
})

test('when() rejects with what there is when the state does not come', async () => {
  await using server = await rawServer()
  await expect(server.when(() => server.connections.length > 0, 10)).rejects.toThrow(
    'the raw server did not come to the state in 10 ms: it has 0 connections',
  )
})

test('a request is over when the server closes', async () => {
  await using server = await rawServer(async (connection) => {
    connection.write(`HTTP/1.1 100 Continue\r\n\r\n${ok}${ok}`)
    connection.end()
  })
  const reply = await rawRequest(server.port, 'GET / HTTP/1.1\r\n\r\n')
  expect(reply.responses.map(({ status }) => status)).toEqual([100, 200, 200])
  expect(reply).toMatchObject({ closed: 'end', text: reply.bytes.toString('latin1') })
  expect(reply.text.endsWith(ok)).toBe(true)
})

test('a request is over when there are as many responses as it wants', async () => {
  await using server = await rawServer((connection) => connection.write(`HTTP/1.1 103 Early Hints\r\n\r\n${ok}`))
  const reply = await rawRequest(server.port, 'GET / HTTP/1.1\r\n\r\n', { responses: 1 })
  expect(reply).toMatchObject({ closed: 'open', responses: [{ status: 103 }, { status: 200 }] })
})

test('a request to HEAD wants no body', async () => {
  await using server = await rawServer((connection) => connection.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'))
  const reply = await rawRequest(server.port, Buffer.from('HEAD / HTTP/1.1\r\n\r\n'), { responses: 1 })
  expect(reply).toMatchObject({ closed: 'open', responses: [{ status: 200, complete: true }] })
})

test('a request is over when the server is silent, with what came until then', async () => {
  await using server = await rawServer((connection) => connection.write('HTTP/1.1 2'))
  const reply = await rawRequest(server.port, 'GET / HTTP/1.1\r\n\r\n', { silenceMs: 50 })
  expect(reply).toMatchObject({ closed: 'open', text: 'HTTP/1.1 2', responses: [] })
})

test('a request can close its side', async () => {
  await using server = await rawServer(async (connection) => {
    await connection.left()
    connection.write(ok)
    connection.end()
  })
  const reply = await rawRequest(server.port, 'GET / HTTP/1.1\r\n\r\n', { end: true })
  expect(reply).toMatchObject({ closed: 'end', responses: [{ status: 200 }] })
})

test('nothing stays open behind them', async () => {
  const before = baseline()
  {
    await using server = await rawServer()
    await using client = await rawClient(server.port)
    client.write('x')
    await rawRequest(server.port, 'x', { silenceMs: 1 })
  }
  await before.settled()
})

test('a server can be closed twice', async () => {
  const server = await rawServer()
  await Promise.all([server.close(), server.close()])
  await expect(rawClient(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
