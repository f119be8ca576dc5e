// A load balancer for whatever speaks TCP. It says by the PROXY protocol who the client is, and believes who may say so.
import { createBalancer } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { tcpBalancer } from 'gatelet/proxy'

const { SERVERS = 'tcp://127.0.0.1:3307 tcp://127.0.0.1:3308', BEHIND = '10.0.0.0/8', PORT = '3306' } = process.env

subscribe('connection:finished', ({ client, endpoint, outcome, received, sent }) =>
  console.log(`${client.address} at ${endpoint?.id ?? 'nobody'}: ${outcome}, ${received} bytes in, ${sent} out`),
)

const databases = createBalancer({
  endpoints: SERVERS.split(' '),
  strategy: 'least-requests', // a request is a connection here
  limits: { perEndpoint: 100 },
  queue: { size: 50, timeoutMs: 2_000 },
  health: { type: 'tcp', intervalMs: 2_000 },
})
const server = await tcpBalancer(databases, {
  port: Number(PORT),
  host: '127.0.0.1',
  idleMs: 600_000,
  proxyProtocol: { from: BEHIND.split(' '), send: 2 },
})
console.log(`listening on tcp://${server.host}:${server.port}`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  await databases.close()
})
