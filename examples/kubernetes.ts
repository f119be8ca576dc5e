// A gateway in a pod: its probes, the pods of the service behind it, and an end in which no request is lost.
import { createBalancer, createRouter, proxy, type RunningServer, serve } from 'gatelet'
import { kubernetes } from 'gatelet/balancer'
import { livez, readyz } from 'gatelet/node'

const {
  PORT = '8080',
  PROBE_PORT = '9080',
  HOST = '0.0.0.0',
  SERVICE = 'orders',
  DELAY_MS = '10000',
  GRACE_MS = '30000',
} = process.env
// In a pod nothing has to be said; elsewhere, where the API is, and who asks it.
const { API, NAMESPACE = 'default', TOKEN = 'none' } = process.env
const elsewhere = API === undefined ? {} : { server: API, namespace: NAMESPACE, token: TOKEN }

const orders = createBalancer({ endpoints: kubernetes(SERVICE, { port: 'http', ...elsewhere }) })
const forward = proxy(orders)

// Probes come to a port of their own, which no Service names: clients do not see it, and it answers until the very end.
let server: RunningServer | undefined
const probes = createRouter()
  .get('/livez', livez())
  .get('/readyz', readyz({ server: () => server, balancers: { orders }, verbose: true }))
const probed = await serve(probes, { port: Number(PROBE_PORT), host: HOST })
console.log(`probes ask ${probed.url}`)

server = await serve(forward, { port: Number(PORT), host: HOST })
console.log(`listening on ${server.url}: try curl -i ${server.url}/`)

process.once('SIGTERM', async () => {
  // Not ready from now on, and still answering, while the cluster spreads the word.
  const { cut } = (await server?.close({ delayMs: Number(DELAY_MS), graceMs: Number(GRACE_MS) })) ?? { cut: 0 }
  if (cut > 0) console.error(`${cut} requests were cut`)
  await forward.close()
  await orders.close()
  await probed.close({ graceMs: 1_000 })
})
