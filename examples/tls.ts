// A gateway that speaks TLS and HTTP/2 with its clients, knows some of them by their certificates, and trusts its servers only by
// theirs.
import { createBalancer, createRouter, json, type Middleware, problem, proxy, serve } from 'gatelet'
import { clientCertificateOf } from 'gatelet/node'

const { CERT = 'cert.pem', KEY = 'key.pem', CLIENTS = 'clients.pem', AUTHORITY = 'authority.pem' } = process.env
const { SERVERS = 'https://10.0.0.1:4443 https://10.0.0.2:4443', PORT = '8443' } = process.env

const balancer = createBalancer({ endpoints: SERVERS.split(' ') })
const servers = proxy(balancer, {
  tls: { ca: AUTHORITY, cert: CERT, key: KEY },
  // Nothing that a name leads to by mistake, or by somebody's trick, such as the metadata service of a cloud.
  addresses: { refuse: ['link-local', 'multicast', 'unspecified'] },
})

const devicesOnly: Middleware = (ctx, next) =>
  clientCertificateOf(ctx) ? next(ctx) : problem({ status: 403, title: 'Only devices with a certificate come in here' })

const router = createRouter()
  .get('/livez', ({ request }) => json({ ok: true, protocol: request.protocol }))
  .route({ path: '/devices/*rest' }, (ctx) => devicesOnly(ctx, servers))

const server = await serve(router, {
  port: Number(PORT),
  host: '127.0.0.1',
  tls: { cert: CERT, key: KEY, clientCertificates: { ca: CLIENTS, required: false } },
})
console.log(`listening on ${server.url}: try curl --cacert authority.pem ${server.url}/livez`)
process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await servers.close()
  await balancer.close()
})
