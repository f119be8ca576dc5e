// A service behind the gateway. It believes the gateway's own token and nothing else: who finds another way to it is nobody.
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { auth, chain, type Handler, HeaderList, json, jwt, serve } from 'gatelet'
import type { AuthState } from 'gatelet/auth'
import { WebSocketServer } from 'ws'

const { GATEWAY_KEY = 'identity.pub', PORT = '4001' } = process.env

const key = { ...createPublicKey(readFileSync(GATEWAY_KEY)).export({ format: 'jwk' }), kid: 'gateway-1' }
const gateway = jwt({ issuer: 'https://gateway.internal', audience: 'orders', algorithms: ['ES256'], keys: [key] })

const sockets = new WebSocketServer({ noServer: true })
const orders: Handler<AuthState> = ({ request, state: { principal } }) => {
  const { subject, scopes, roles, claims } = principal
  const you = { subject, scopes: [...scopes], roles: [...roles], via: claims['via'] }
  if (request.kind === 'request') return json({ you, user: request.headers.get('x-user') })
  const headers = Object.fromEntries([...request.headers].map(([name, value]) => [name.toLowerCase(), value]))
  const asked = { method: 'GET', headers } as never
  return {
    status: 101,
    headers: new HeaderList(),
    body: null,
    upgrade: (socket, head) => sockets.handleUpgrade(asked, socket, head, (opened) => opened.send(JSON.stringify(you))),
  }
}

const server = await serve(chain().use(auth(gateway)).to(orders), { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url} `)
process.once('SIGTERM', () => void server.close({ graceMs: 1_000 }))
