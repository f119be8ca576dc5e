import type { Handler } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, type RawServer, rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'

const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** Answers each request with the number of its connection. */
const numbered = () =>
  rawServer(async (connection, index) => {
    for (;;) {
      await connection.read('\r\n\r\n')
      connection.write(answer(`connection ${index}`))
    }
  })

const ask = async (handler: Handler, method = 'GET') => (await call(handler, { method })).text()

function keepBusy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

/** Lets `say` happen on the idle connection after the first answer, and tells what the next request gets. */
async function nextAfter(say: (server: RawServer) => void, method: string): Promise<string> {
  await using server = await numbered()
  const handler = proxy(server.url)
  expect(await ask(handler)).toBe('connection 0')
  say(server)
  const next = await ask(handler, method)
  expect(await ask(handler)).toBe(next)
  await handler.close()
  return next
}

// In one turn of the event loop: what the upstream wrote is there, but not seen yet, when the connection is picked.
test.each(['GET', 'POST'])('an answer that nobody asked for is not given to the next request (%s)', async (method) => {
  expect(await nextAfter((server) => server.connections[0]?.write(answer('evil')), method)).toBe('connection 1')
})

test.each(['GET', 'POST'])('nor when the event loop was busy for long (%s)', async (method) => {
  const say = (server: RawServer) => {
    server.connections[0]?.write(answer('evil'))
    keepBusy(50)
  }
  expect(await nextAfter(say, method)).toBe('connection 1')
})

test.each([
  ['half of one', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['an interim one', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ['nonsense', 'evil'],
  ['an empty line', '\r\n'],
])('nor %s', async (_, bytes) => {
  const next = await nextAfter((server) => server.connections[0]?.write(bytes), 'GET')
  // Empty lines before an answer are allowed, and harmless.
  expect(bytes === '\r\n' || next === 'connection 1').toBe(true)
  expect(next).toMatch(/^connection \d$/)
})

test('nor one that comes in one with the answer before it', async () => {
  await using server = await rawServer(async (connection, index) => {
    for (;;) {
      await connection.read('\r\n\r\n')
      connection.write(answer(`connection ${index}`) + answer('evil'))
    }
  })
  const handler = proxy(server.url)
  for (let i = 0; i < 20; i++) expect(await ask(handler)).toBe(`connection ${i}`)
  await handler.close()
})

test('nor when the next request waits in the queue already', async () => {
  await using server = await rawServer(async (connection, index) => {
    for (;;) {
      await connection.read('\r\n\r\n')
      connection.write(answer(`connection ${index}`))
      // Behind the answer, in another segment: there when the freed connection is handed on.
      connection.write(answer('evil'))
    }
  })
  const handler = proxy(server.url, { connections: 1 })
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(handler)))
  expect(answers).toEqual(Array.from({ length: 20 }, (_, at) => `connection ${at}`))
  await handler.close()
})
