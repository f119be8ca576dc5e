import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** Refuses each stream behind a GOAWAY, the worst moment to end a session in Node 20. */
async function refusing() {
  const server = createServer()
  server.on('session', (session) => session.on('error', () => {}))
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 0)
    stream.close(constants.NGHTTP2_REFUSED_STREAM)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() }
}

// In a process of its own, with little memory: one that runs out of it cannot be caught.
test('an upstream that refuses POSTs behind its GOAWAY, time and again, takes no memory and no process', async () => {
  const upstream = await refusing()
  const program = fileURLToPath(new URL('support/refused-program.ts', import.meta.url))
  const options = ['--conditions', '@gatelet/source', '--import', 'tsx', '--max-old-space-size=96']
  const child = spawn(process.execPath, [...options, program, upstream.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const [code] = await once(child, 'close')
  upstream.close()
  expect([code, said]).toEqual([0, '{"502":200}'])
}, 60_000)
