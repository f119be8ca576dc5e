import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { baseline, origins, rawClient } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('sees what was opened since, until it is released', async () => {
  const before = baseline()
  const server = createServer((socket) => void socket.on('error', () => {}))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = await rawClient((server.address() as { port: number }).port)
  const timer = setTimeout(() => {}, 60_000)
  expect(before.extra()).toMatchObject({ TCPServerWrap: 1, Timeout: 1 })
  expect(before.extra()['TCPSocketWrap']).toBeGreaterThanOrEqual(1)
  clearTimeout(timer)
  await client[Symbol.asyncDispose]()
  server.close()
  await before.settled()
  expect(before.extra()).toEqual({})
})

test('rejects with what is left', async () => {
  const before = baseline()
  const timer = setTimeout(() => {}, 60_000)
  await expect(before.settled(20)).rejects.toThrow('still open after 20 ms: {"Timeout":1}')
  clearTimeout(timer)
  await before.settled()
})

test('sees child processes', async () => {
  const before = baseline()
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  expect(before.extra()).toMatchObject({ ProcessWrap: 1 })
  child.kill()
  await before.settled()
})

test('a farm leaves nothing behind', async () => {
  const before = baseline()
  {
    await using farm = await origins(3)
    farm.servers[0]!.fault = { kind: 'hang-before-headers' }
    const client = await rawClient(farm.servers[0]!.port)
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await farm.servers[0]!.when((origin) => origin.hits === 1)
    client.end()
  }
  await before.settled()
})
