// An API that knows who is asking: people and programs by the tokens of an identity provider, services by their certificates. The servers
// behind it believe a token that this gateway signs itself.
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { auth, chain, createBalancer, createRouter, json, jwt, type Middleware, proxy, rateLimit, scope, serve } from 'gatelet'
import { type AuthState, allOf, certificate, firstOf, identity, not, type Policy, role } from 'gatelet/auth'
import { subscribe } from 'gatelet/core'

const { ISSUER = 'https://id.example.com/', ORDERS = 'http://10.0.0.1:4001 http://10.0.0.2:4001', PORT = '8443' } = process.env
const { CERT = 'cert.pem', KEY = 'key.pem', CLIENTS = 'clients.pem', SIGNING_KEY = 'identity.key' } = process.env

const tokens = jwt({ issuer: ISSUER, audience: 'https://api.example.com', algorithms: ['RS256'] })
// Before the first request, and without it where the issuer is away: it is asked again then.
tokens.ready().catch((error) => console.error('no keys yet:', error.message))

// Services of our own: their certificates say which they are, and this what they may.
const services = { 'client.test': { subject: 'billing', scopes: ['orders:read'], roles: ['service'] } }
const certificates = certificate({
  identify: (presented) =>
    Object.entries(services).find(([name]) => presented.checkHost(name, { subject: 'never', wildcards: false }))?.[1],
})

// Each caller by itself, whichever way they came in: a service may be called like a person.
const perCaller = rateLimit<AuthState>({
  limit: 100,
  per: '1m',
  burst: 20,
  key: ({ state: { principal } }) => `${principal.scheme} ${principal.subject}`,
})

const ours = identity({
  token: {
    header: 'authorization',
    issuer: 'https://gateway.internal',
    audience: 'orders',
    algorithm: 'ES256',
    keyId: 'gateway-1',
    key: createPrivateKey(readFileSync(SIGNING_KEY)),
    claims: ({ roles, scheme }) => ({ roles: [...roles], via: scheme }),
  },
  stripCredentials: true,
  strip: ['x-user', 'x-roles'],
})

// A WebSocket lives on when its token has ended, unless somebody ends it.
const untilExpiry: Middleware<AuthState> = async (ctx, next) => {
  const reply = await next(ctx)
  const { upgrade } = reply
  const { expiresAt = Number.POSITIVE_INFINITY } = ctx.state.principal
  if (!upgrade || expiresAt === Number.POSITIVE_INFINITY) return reply
  reply.upgrade = (socket, head, headers) => {
    const timer = setTimeout(() => socket.destroy(), Math.min(expiresAt - Date.now(), 2 ** 31 - 1))
    socket.once('close', () => clearTimeout(timer))
    upgrade(socket, head, headers)
  }
  return reply
}

const callers = firstOf(tokens, certificates)
const only = (policy: Policy<object>) =>
  chain()
    .use(auth(callers, { require: policy, realm: 'orders' }))
    .use(perCaller)
    .use(ours)
    .use(untilExpiry)

const balancer = createBalancer({ endpoints: ORDERS.split(' ') })
const orders = proxy(balancer)
const router = createRouter()
  .get('/livez', () => json({ ok: true }))
  .get('/orders/*rest', only(scope('orders:read')).to(orders))
  .post('/orders/*rest', only(allOf(scope('orders:write'), not(role('service')))).to(orders))
  .delete('/orders/*rest', only(role('admin')).to(orders))

subscribe('auth:decided', ({ context, outcome, reason, subject }) => {
  if (outcome !== 'proved')
    console.log(`${context.request.client.address} ${subject ?? 'somebody'}: ${outcome} (${reason ?? 'nothing'})`)
})

const server = await serve(router, {
  port: Number(PORT),
  host: '127.0.0.1',
  tls: { cert: CERT, key: KEY, clientCertificates: { ca: CLIENTS, required: false } },
})
console.log(`listening on ${server.url} `)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 1_000 })
  await orders.close()
  await balancer.close()
})
