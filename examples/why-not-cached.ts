// A server that stores what it may, and a page for operators: which requests were not answered from the store, how often, and why.
import { cache, chain, createRouter, json, serve } from 'gatelet'
import { subscribe } from 'gatelet/core'

const { PORT = '8080' } = process.env

const router = createRouter()
  .get('/fresh', () => json({ for: 'all' }, { headers: { 'cache-control': 'max-age=60' } }))
  .get('/silent', () => json({ says: 'nothing of how long' }))
  .get('/basket', () => json({ items: 1 }, { headers: { 'cache-control': 'max-age=60', 'set-cookie': 'basket=1' } }))

// Routes are few, and so are the words: this does not grow with traffic.
const reasons = new Map<string, number>()
subscribe('cache:answered', ({ context, result, detail }) => {
  if (result !== 'miss' && result !== 'bypass') return
  const reason = `${context.request.method} ${context.request.url.path.split('/')[1]}: ${detail ?? 'not stored before'}`
  if (reasons.size < 1_000 || reasons.has(reason)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
})
subscribe('cache:store-failed', ({ operation, error }) => console.error(`the store failed to ${operation}:`, error))

const server = await serve(chain().use(cache()).to(router), { port: Number(PORT), host: '127.0.0.1' })
const operators = await serve(() => json(Object.fromEntries(reasons)), { port: 0, host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl -i ${server.url}/basket`)
console.log(`operators ask ${operators.url}`)
process.once('SIGTERM', () => void Promise.all([server.close({ graceMs: 10_000 }), operators.close()]))
