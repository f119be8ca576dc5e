// What a gateway does to requests and replies on their way. What is for everybody stands in front of the router, the rest in its
// route.
import { chain, createRouter, proxy, serve } from 'gatelet'
import {
  addressList,
  compress,
  cors,
  maintenance,
  redirect,
  requestHeaders,
  requestId,
  requestLimits,
  responseHeaders,
  rewrite,
  securityHeaders,
  timeout,
} from 'gatelet/router'

const { BACKEND = 'http://127.0.0.1:4001', PORT = '8080' } = process.env
const backend = proxy(BACKEND)

const closed = maintenance({ detail: 'Back at ten', retryAfterMs: 600_000 })
process.on('SIGUSR2', () => {
  if (closed.isActive()) closed.stop()
  else closed.start()
  console.log(closed.isActive() ? 'closed' : 'open')
})

const front = chain()
  .use(requestId())
  .use(securityHeaders({ contentSecurityPolicy: "default-src 'none'; frame-ancestors 'none'" }))
  .use(closed)
  .use(cors({ allowOrigins: ['https://app.example.com'], allowMethods: ['PUT', 'DELETE'], allowHeaders: ['content-type'] }))
  .use(compress({ leaveOut: 'credentials' }))

const inside = chain()
  .use(rewrite({ prefix: '/' }))
  .use(requestHeaders({ set: { 'x-from': ({ request }) => request.client.address }, remove: ['cookie'] }))
  .use(responseHeaders({ set: { 'cache-control': 'no-store' }, remove: ['x-debug'] }))

const router = createRouter()
  .get('/people/:id', redirect({ path: '/users/:id', status: 308 }))
  .get('/users/:id', rewrite({ path: '/v2/accounts/:id' }), backend)
  .post('/users', requestLimits({ maxBodyBytes: 1_000 }), backend)
  .mount('/api', inside.layer(), backend)
  .mount('/reports', timeout({ requestMs: 1_000 }), backend)
  .mount('/admin', addressList({ allow: ['10.0.0.0/8'] }), backend)

const server = await serve(front.to(router), { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/api/orders`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await backend.close()
})
