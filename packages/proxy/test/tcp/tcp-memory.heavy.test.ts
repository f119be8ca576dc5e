import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { standstill } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'
import { gatewayProcess } from '../support/child.ts'

const MIB = 1_048_576
const size = (process.env['HEAVY_SHORT'] === '1' ? 64 : 1_024) * MIB
const chunk = Buffer.alloc(MIB, 'x')

async function upstream(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function send(socket: Socket, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= chunk.byteLength) if (!socket.write(chunk)) await once(socket, 'drain')
  socket.end()
}

test(`${size / MIB} MiB there and back take no more than 50 MB of memory`, async () => {
  await using gateway = await gatewayProcess(await upstream((socket) => socket.pipe(socket)))
  const roundTrip = async (bytes: number) => {
    const socket = connect(gateway.port, '127.0.0.1')
    let received = 0
    socket.on('data', (data) => {
      received += data.byteLength
    })
    const over = once(socket, 'end')
    await send(socket, bytes)
    await over
    return received
  }
  await roundTrip(32 * MIB)
  const before = (await gateway.memory()).now
  expect(await roundTrip(size)).toBe(size)
  expect((await gateway.memory()).peak - before).toBeLessThan(50 * MIB)
})

test('who does not read stops who sends', async () => {
  await using gateway = await gatewayProcess(await upstream((socket) => void socket.pause()))
  const before = (await gateway.memory()).now
  const socket = connect(gateway.port, '127.0.0.1').on('error', () => {})
  void send(socket, size).catch(() => {})
  const left = () => socket.bytesWritten - socket.writableLength
  await standstill(left)
  expect(left()).toBeLessThan(size)
  expect((await gateway.memory()).peak - before).toBeLessThan(50 * MIB)
  socket.destroy()
})
