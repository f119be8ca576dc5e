import { text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { redisConnectionBus } from '@gatelet/redis'
import { createWebSocketApi } from '@gatelet/websocket'
import { createClient } from 'redis'

// One process of several: a WebSocket API whose connections the others reach. It tells each client its id.
const client = await createClient({ url: process.env['REDIS'] ?? '' }).connect()
const subscriber = await client.duplicate().connect()
const api = createWebSocketApi({
  bus: redisConnectionBus(client, subscriber),
  routes: {
    who: { to: ({ request }) => text(request.headers.get('x-connection-id') ?? ''), respond: true },
    $default: () => text(''),
  },
})
const server = await serve(api, { host: '127.0.0.1', port: 0 })
console.log(`listening at ${server.url}`)
