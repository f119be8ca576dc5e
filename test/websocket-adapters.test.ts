import { once } from 'node:events'
import { connect } from 'node:http2'
import { serve } from '@gatelet/node'
import { webSocket } from '@gatelet/websocket'
import { expect, test } from 'vitest'
import { frame, framesIn, goodbye, op, RawWebSocket } from '../packages/websocket/test/connection/raw-frames.ts'
import { upgradingFronts } from './attack/support/fronts.ts'

const echo = () => webSocket({ onConnection: (client) => client.onMessage(async (message) => void (await client.send(message))) })

test.each(upgradingFronts)('a client is heard and closed behind $name', async ({ start }) => {
  const front = await start(echo())
  const client = await RawWebSocket.open(`http://127.0.0.1:${front.port}`)
  client.write(frame(op.text, 'hello'))
  expect((await client.some(1))[0]?.payload.toString()).toBe('hello')
  client.write(frame(op.close, goodbye(4000)))
  expect(await client.closeCode()).toBe(4000)
  await front.close()
})

test('over HTTP/2 (RFC 8441)', async () => {
  await using server = await serve(echo(), { host: '127.0.0.1', port: 0, http2: true })
  const session = connect(server.url)
  await once(session, 'remoteSettings')
  const fields = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', 'sec-websocket-version': '13' }
  const stream = session.request(fields, { endStream: false })
  const [headers] = await once(stream, 'response')
  expect(headers[':status']).toBe(200)
  let received: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
  })
  stream.write(frame(op.text, 'hello'))
  while (framesIn(received).length < 1) await once(stream, 'data')
  stream.write(frame(op.close, goodbye(1000)))
  await once(stream, 'end')
  expect(framesIn(received).map(({ opcode, payload }) => [opcode, payload.toString('latin1')])).toEqual([
    [op.text, 'hello'],
    [op.close, '\u0003è'],
  ])
  stream.end()
  session.close()
})
