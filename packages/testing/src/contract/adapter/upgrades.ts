import assert from 'node:assert/strict'
import { type Context, GatewayError, HeaderList, type Reply, switchProtocols, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { Moment, message, played, type StartAdapter } from './scene.ts'

const handshake = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** Handshakes for WebSockets: they take the same way as requests. */
export function upgradeCases(start: StartAdapter): Case[] {
  return [
    {
      name: 'gives the socket of a handshake to the reply that takes it, with what came behind the handshake',
      run: () =>
        played(start, { layer: echo, upgrades: true }, async (stage) => {
          await using client = await stage.connect()
          client.write(Buffer.concat([message('GET /', { fields: handshake }), Buffer.from('early')]))
          assert.match(
            await client.read('\r\n\r\n'),
            /^HTTP\/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n$/,
          )
          await client.read('early')
          client.write('ping')
          await client.read('ping')
          client.end()
          await client.left()
          assert.deepEqual(await stage.ended(), ['finished 101'])
        }),
    },
    {
      name: 'shows layers that it is a handshake',
      run: () =>
        played(
          start,
          { layer: ({ request }) => text(`${request.kind} ${request.url.path} ${request.body}`), upgrades: true },
          async (stage) => {
            assert.equal((await stage.ask('GET /chat', { fields: handshake })).text, 'upgrade /chat null')
            assert.equal((await stage.ask('GET /chat')).text, 'request /chat null')
          },
        ),
    },
    {
      name: 'refuses a handshake by an ordinary reply, and closes',
      run: () =>
        played(start, { layer: () => text('not you', 403), upgrades: true }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /', { fields: handshake }))
          const { status, text: body } = await client.response()
          assert.deepEqual([status, body], [403, 'not you'])
          assert.equal(await client.left(), 'end')
          assert.deepEqual(await stage.ended(), ['finished 403'])
        }),
    },
    {
      name: 'makes a problem of an error during a handshake',
      run: () =>
        played(start, { layer: () => Promise.reject(new GatewayError('NO_ENDPOINT')), upgrades: true }, async (stage) => {
          const { status, text: body } = await stage.ask('GET /', { fields: handshake })
          assert.deepEqual([status, JSON.parse(body).code], [503, 'NO_ENDPOINT'])
        }),
    },
    {
      name: 'takes handshakes at its path alone',
      run: () =>
        played(start, { layer: echo, upgrades: true, mount: '/m' }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /m/x', { fields: handshake }))
          await client.read('101 Switching Protocols')
          assert.notEqual((await stage.ask('GET /x', { fields: handshake })).status, 101)
        }),
    },
    {
      name: 'aborts a handshake whose client leaves',
      async run() {
        const begun = new Moment()
        const layer = (ctx: Context): Promise<Reply> => {
          begun.happen()
          return new Promise((resolve) => ctx.onAbort(() => resolve(text('nobody is there'))))
        }
        await played(start, { layer, upgrades: true }, async (stage) => {
          await using client = await stage.connect()
          client.write(message('GET /', { fields: handshake }))
          await begun.promise
          await client.reset()
          assert.deepEqual(await stage.ended(), ['aborted 499'])
        })
      },
    },
  ]
}

function echo(ctx: Context): Reply {
  const isHandshake = ctx.request.kind === 'upgrade'
  if (!isHandshake) return text('no handshake')
  return {
    status: 101,
    headers: new HeaderList({ connection: 'Upgrade', upgrade: 'websocket' }),
    body: null,
    upgrade(socket, head, headers) {
      switchProtocols(socket, headers)
      if (head.length > 0) socket.write(head)
      socket.pipe(socket)
    },
  }
}
