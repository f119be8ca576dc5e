import { rawServer } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { firstCheck } from './scene.ts'

test('a connection that opens is enough, and is closed', async () => {
  await using server = await rawServer(async (connection) => {
    await connection.left()
    connection.end()
  })
  expect((await firstCheck(server.url, { type: 'tcp' })).health).toBe('healthy')
  await server.when(({ connections }) => connections[0] && connections[0].closed !== 'open')
})

test('a refused connection is unhealthy', async () => {
  const server = await rawServer()
  await server.close()
  expect((await firstCheck(server.url, { type: 'tcp' })).lastCheck?.error).toMatch(/ECONNREFUSED/)
})

test.each([
  ['+PONG', 'healthy', undefined],
  ['-ERR', 'unhealthy', 'no result within 200 ms'],
])('says PING and hears %s: %s', async (answer, health, error) => {
  await using server = await rawServer(async (connection) => {
    await connection.read('PING\r\n')
    // In two pieces: what is expected may be cut anywhere.
    connection.write(answer.slice(0, 2))
    connection.write(answer.slice(2))
  })
  const view = await firstCheck(server.url, { type: 'tcp', send: 'PING\r\n', expect: '+PONG', timeoutMs: 200 })
  expect([view.health, view.lastCheck?.error]).toEqual([health, error])
})

test('a connection that closes before it said what is expected is unhealthy', async () => {
  await using server = await rawServer((connection) => connection.end())
  const view = await firstCheck(server.url, { type: 'tcp', expect: new Uint8Array([1]) })
  expect(view.lastCheck?.error).toBe('it closed the connection before it said what was expected')
})

test('whoever says too much else is unhealthy', async () => {
  await using server = await rawServer((connection) => void connection.write('x'.repeat(70_000)))
  const view = await firstCheck(server.url, { type: 'tcp', expect: 'y' })
  expect(view.lastCheck?.error).toBe('it did not say what was expected')
})

test('TLS to a server that speaks none is unhealthy', async () => {
  await using server = await rawServer((connection) => void connection.write('hello, this is no handshake\r\n'))
  expect((await firstCheck(server.url, { type: 'tcp', tls: true })).health).toBe('unhealthy')
})
