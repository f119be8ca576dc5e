// Two servers, one gateway. One server is closed while requests come in, and no client notices.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBalancer, proxy, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'

async function origin(name: string): Promise<{ server: Server; url: string }> {
  const server = createServer((_req, res) => void res.end(name)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const [first, second] = await Promise.all([origin('first'), origin('second')])
const balancer = createBalancer({ endpoints: [first.url, second.url] })
const gateway = await serve(proxy(balancer), { port: Number(process.env['PORT'] ?? 0) })

let again = 0
subscribe('upstream:attempted', ({ outcome }) => {
  if (outcome.kind === 'failure') again++
})

const answers: Record<string, number> = {}
for (let asked = 0; asked < 200; asked++) {
  if (asked === 100) {
    first.server.close()
    first.server.closeAllConnections()
  }
  const reply = await fetch(gateway.url)
  const who = reply.ok ? await reply.text() : `status ${reply.status}`
  answers[who] = (answers[who] ?? 0) + 1
}
console.log(`200 requests, one server closed after 100 of them: ${JSON.stringify(answers)}`)
console.log(`${again} attempts failed and were made again at the other server`)

second.server.close()
await gateway.close({ graceMs: 1_000 })
await balancer.close()
