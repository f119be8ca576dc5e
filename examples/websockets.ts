// A chat behind a gateway: a page, its login, a WebSocket and a stream of events, shared among several servers.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createGateway, empty, serve, text } from 'gatelet'
import { type AuthState, auth, sameOrigin, session } from 'gatelet/auth'
import { chain, subscribe } from 'gatelet/core'

const { SERVERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002', PORT = '8080' } = process.env
const page = readFileSync(new URL('websockets.html', import.meta.url), 'utf8')
const sessions = session({ secrets: randomBytes(32), secure: false }) // on https: without `secure`, and with a secret that stays

// In this order: whose page it is, then who asks. For a WebSocket both hold before a server hears of it.
const members = chain<object>().use(sameOrigin()).use<AuthState>(auth(sessions))

const gateway = createGateway({
  upstreams: {
    chat: {
      endpoints: SERVERS.split(' '),
      strategy: 'least-requests', // an open WebSocket is a request in flight
      proxy: { timeouts: { upgradeIdleMs: 60_000, upgradeDrainMs: 5_000 } },
    },
  },
  routes: [
    { path: '/', to: () => text(page, { headers: { 'content-type': 'text/html; charset=utf-8' } }) },
    { path: '/login', method: 'POST', to: login },
    { path: '/chat', to: 'chat', use: [members.layer()] },
    { path: '/events', to: 'chat', use: [members.layer()] },
  ],
})

async function login() {
  return empty({ status: 204, headers: { 'set-cookie': await sessions.create({ subject: 'ada' }) } })
}

subscribe('request:finished', ({ context, summary }) => {
  if (context.request.kind === 'upgrade') console.log(`a WebSocket was open for ${Math.round(summary.durationMs)} ms`)
})
const server = await serve(gateway, { port: Number(PORT) })
console.log(`listening on ${server.url}: open it in a browser`)

process.once('SIGTERM', async () => {
  // WebSockets are told to come again (1012) within the first half of this, and may say goodbye until its end.
  await server.close({ graceMs: 2_000 })
  await gateway.close()
})
