// Who uses what, and what they owe: usage by API key, in windows to look at and in records for bills.
import { randomBytes } from 'node:crypto'
import { appendFile } from 'node:fs/promises'
import { auth, chain, createRouter, proxy, serve } from 'gatelet'
import { apiKey, createApiKey, memoryApiKeys, role } from 'gatelet/auth'
import { proxyStatus, type UsageRecord, usage } from 'gatelet/metrics'

const { PORT = '8080', SERVER = 'http://127.0.0.1:4001', BILLS = 'bills.ndjson', WINDOW_MS = '3600000' } = process.env

// One line for each consumer. The id of a record makes a line that was written twice recognisable.
const price = ({ requests, errors, sentBytes }: { requests: number; errors: number; sentBytes: number }) =>
  (requests - errors) * 0.0001 + sentBytes * 1e-9
async function bill({ id, from, to, consumers }: UsageRecord): Promise<void> {
  const lines = consumers.map((used) => JSON.stringify({ id, from, to, ...used, owes: price(used) }))
  await appendFile(BILLS, `${lines.join('\n')}\n`)
}
let written = Promise.resolve()
const used = usage({
  billing: {
    windowMs: Number(WINDOW_MS),
    // What cannot be written is shown, so that it can be added by hand.
    onWindow(record) {
      written = written.then(() => bill(record)).catch((error) => console.error('not written', JSON.stringify(record), error))
    },
  },
})

// Made anew at each start; the guide on API keys keeps them.
const pepper = randomBytes(32)
const made = ['ada', 'bob', 'admin'].map((subject) => createApiKey({ prefix: 'shop', subject, pepper, roles: [subject] }))
for (const { key, stored } of made) console.log(`${stored.subject} has the key ${key}`)
const verify = apiKey({ keys: memoryApiKeys(made.map(({ stored }) => stored)), prefix: 'shop', pepper })

const status = proxyStatus()
const forward = proxy(SERVER)
const seen = chain().use(auth(verify, { require: role('admin') }))
const router = createRouter()
  .get('/usage', seen.to(used.handler(() => true)))
  .mount('/*rest', chain().use(auth(verify)).to(forward))
const server = await serve(chain().use(status).to(router), { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -H 'x-api-key: …' ${server.url}/`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 10_000 })
  // What is not billed yet is now.
  used.close()
  await written
  status.close()
  await forward.close()
})
