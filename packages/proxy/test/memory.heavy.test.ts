import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { standstill } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { type GatewayProcess, gatewayProcess } from './support/child.ts'

const MIB = 1_048_576
const size = (process.env['HEAVY_SHORT'] === '1' ? 64 : 1_024) * MIB
const chunk = Buffer.alloc(MIB, 'x')

/** Takes what it is sent, or sends what it is asked for, and counts. */
interface Counter extends AsyncDisposable {
  readonly url: string
  /** Bytes handed to the sockets, and bytes that came. */
  readonly sent: number
  readonly received: number
}

async function counter(): Promise<Counter> {
  let sent = 0
  let received = 0
  const send = (res: ServerResponse, left: number): void => {
    for (let rest = left; rest > 0; rest -= chunk.byteLength) {
      if (res.destroyed) return
      sent += chunk.byteLength
      if (!res.write(chunk)) return void res.once('drain', () => send(res, rest - chunk.byteLength))
    }
    res.end()
  }
  const server: Server = createServer((req, res) => {
    req.on('data', (piece: Buffer) => {
      received += piece.byteLength
    })
    req.on('end', () => {
      const wanted = Number(req.headers['x-wanted'] ?? 0)
      res.writeHead(200, { 'content-length': wanted })
      send(res, wanted)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get sent() {
      return sent
    },
    get received() {
      return received
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function download(gateway: GatewayProcess, bytes: number): Promise<IncomingMessage> {
  const req = request({ port: gateway.port, host: '127.0.0.1', headers: { 'x-wanted': bytes }, agent: false }).end()
  const [response] = (await once(req, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(200)
  return response
}

async function upload(gateway: GatewayProcess, bytes: number): Promise<void> {
  const req = request({ port: gateway.port, host: '127.0.0.1', method: 'POST', agent: false })
  const answered = once(req, 'response') as Promise<[IncomingMessage]>
  for (let left = bytes; left > 0; left -= chunk.byteLength) if (!req.write(chunk)) await once(req, 'drain')
  req.end()
  const [response] = await answered
  expect(response.statusCode).toBe(200)
  await once(response.resume(), 'end')
}

async function countOf(response: IncomingMessage): Promise<number> {
  let count = 0
  for await (const piece of response) count += (piece as Buffer).byteLength
  return count
}

test(`${size / MIB} MiB each way take no more than 50 MB of memory`, async () => {
  await using origin = await counter()
  await using gateway = await gatewayProcess(origin.url)
  // Once each way, so that what is loaded and compiled at first use does not count.
  await countOf(await download(gateway, 32 * MIB))
  await upload(gateway, 32 * MIB)
  const before = (await gateway.memory()).now
  const start = { sent: origin.sent, received: origin.received }

  expect(await countOf(await download(gateway, size))).toBe(size)
  expect(origin.sent - start.sent).toBe(size)
  expect((await gateway.memory()).peak - before).toBeLessThan(50 * MIB)

  await upload(gateway, size)
  expect(origin.received - start.received).toBe(size)
  expect((await gateway.memory()).peak - before).toBeLessThan(50 * MIB)
})

test('clients that read slowly stop the upstream, and lose nothing', async () => {
  await using origin = await counter()
  await using gateway = await gatewayProcess(origin.url)
  await countOf(await download(gateway, 32 * MIB))
  const before = (await gateway.memory()).now
  const start = origin.sent

  const each = Math.max(64 * MIB, size / 4)
  const responses = await Promise.all(Array.from({ length: 4 }, () => download(gateway, each)))
  // Nobody reads: what is under way is what fits into the buffers of the machine between.
  await standstill(() => origin.sent)
  expect(origin.sent - start).toBeLessThan(4 * 32 * MIB)
  expect((await gateway.memory()).peak - before).toBeLessThan(50 * MIB)

  const counts = await Promise.all(responses.map(countOf))
  expect(counts).toEqual(Array.from({ length: 4 }, () => each))
})

test('an upstream that does not read stops the client', async () => {
  const stuck = createServer((req) => void req.pause())
  stuck.listen(0, '127.0.0.1')
  await once(stuck, 'listening')
  await using gateway = await gatewayProcess(`http://127.0.0.1:${(stuck.address() as AddressInfo).port}`)
  const before = (await gateway.memory()).now
  const req = request({ port: gateway.port, host: '127.0.0.1', method: 'POST', agent: false })
  req.on('error', () => {})
  let written = 0
  const feed = (): void => {
    while (written < size) {
      written += chunk.byteLength
      if (!req.write(chunk)) return void req.once('drain', feed)
    }
  }
  feed()
  await standstill(() => written)
  expect(written).toBeLessThan(size)
  expect((await gateway.memory()).peak - before).toBeLessThan(50 * MIB)
  req.destroy()
  stuck.closeAllConnections()
  stuck.close()
})
