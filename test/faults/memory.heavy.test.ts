import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { rawRequest } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { send } from '../attack/support/pipeline.ts'
import { message, statuses } from '../attack/support/room.ts'
import { childProgram } from '../child-program.ts'
import { nodeArgs } from '../example-program.ts'

const seconds = process.env['HEAVY_SHORT'] === '1' ? 5 : 60
const file = fileURLToPath(new URL('support/gateway-program.ts', import.meta.url))

test(`a gateway with 64 MB of heap survives ${seconds} s of uploads, slow upstreams and clients that leave`, {
  timeout: 120_000,
}, async () => {
  await using upstream = await unevenServer()
  await using program = childProgram(['--max-old-space-size=64', ...nodeArgs, file, upstream.url], { cwd: process.cwd() })
  const [, port = ''] = await program.printed(/listening on http:\S+:(\d+) /)
  const end = performance.now() + seconds * 1_000
  let sent = 0
  const worker = async (at: number) => {
    while (performance.now() < end) {
      sent++
      const size = at % 2 ? 60_000 : 300_000
      await send(Number(port), message('POST /x', [`Content-Length: ${size}`], 'x'.repeat(size)), 400)
    }
  }
  await Promise.all(Array.from({ length: 100 }, (_, at) => worker(at)))
  expect(sent).toBeGreaterThan(seconds * 50)
  const status = async () => statuses(await rawRequest(Number(port), message('GET /x'), { silenceMs: 2_000 }))[0]
  await expect.poll(status, { timeout: 30_000 }).toBe(200)
  expect(program.output).not.toMatch(/heap|FATAL|Error/)
})

/** Of its connections one of three answers late, and one not at all. It keeps nothing: there are thousands. */
async function unevenServer(): Promise<AsyncDisposable & { url: string }> {
  const nth = new WeakMap<Socket, number>()
  let accepted = 0
  const server = createServer((request, response) => {
    request.resume().on('error', () => {})
    const turn = (nth.get(request.socket) ?? 0) % 3
    if (turn !== 2) setTimeout(() => response.end('x'.repeat(50_000)), turn === 1 ? 300 : 0)
  })
  server.on('connection', (socket) => nth.set(socket, accepted++))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
