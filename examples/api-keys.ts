// API keys for customers: made, kept, rotated and taken back by operators, each with the limit of the customer's plan.
import { existsSync, readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { auth, chain, createRouter, empty, json, rateLimit, scope, serve } from 'gatelet'
import { type ApiKeyStore, type AuthState, apiKey, createApiKey, type StoredApiKey } from 'gatelet/auth'
import type { RatePolicyOptions } from 'gatelet/rate-limiter'

const { KEYS = 'keys.json', PEPPER = '', PORT = '8080', ADMIN_PORT = '8081' } = process.env

// What is kept: a hash of each key, and whose it is. In a file here; a table does as well.
interface Kept {
  readonly keys: readonly StoredApiKey[]
  readonly plans: Readonly<Record<string, string>>
}
const kept: Kept = existsSync(KEYS) ? JSON.parse(readFileSync(KEYS, 'utf8')) : { keys: [], plans: {} }
const byId = new Map(kept.keys.map((stored) => [stored.id, stored]))
const planOf = new Map(Object.entries(kept.plans))
const keys: ApiKeyStore = { find: (id) => byId.get(id) }

async function write() {
  const text = JSON.stringify({ keys: [...byId.values()], plans: Object.fromEntries(planOf) })
  await writeFile(`${KEYS}.new`, text, { mode: 0o600 })
  await rename(`${KEYS}.new`, KEYS)
}
// One after the other, also when the one before has failed.
let saved: Promise<void> = Promise.resolve()
const save = () => {
  saved = saved.then(write, write)
  return saved
}

// The secret that makes the hashes. Not where the keys are: whoever reads one of the two has nothing.
const pepper = Buffer.from(PEPPER, 'base64')

async function issue(subject: string, scopes: readonly string[]) {
  const { key, stored } = createApiKey({ subject, scopes, pepper, prefix: 'shop' })
  byId.set(stored.id, stored)
  await save()
  // Shown once; nobody can find it out again.
  return json({ id: stored.id, key }, { status: 201, headers: { 'cache-control': 'no-store' } })
}

const DAY_MS = 86_400_000
const operators = createRouter()
  .post('/customers/:customer/keys', ({ state: { params } }) => issue(params.customer, ['orders:read']))
  .post('/keys/:id/rotate', async ({ state: { params } }) => {
    const old = byId.get(params.id)
    if (!old) return empty(404)
    // Both hold for a day, so that no request fails while the customer changes over.
    byId.set(old.id, { ...old, expiresAt: Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, Date.now() + DAY_MS) })
    return issue(old.subject, old.scopes ?? [])
  })
  .delete('/keys/:id', async ({ state: { params } }) => {
    if (!byId.delete(params.id)) return empty(404)
    await save()
    return empty(204)
  })
  .put('/customers/:customer/plans/:plan', async ({ state: { params } }) => {
    if (!Object.hasOwn(plans, params.plan)) return empty(404)
    planOf.set(params.customer, params.plan)
    await save()
    return empty(204)
  })

const plans: Readonly<Record<string, readonly RatePolicyOptions<AuthState>[]>> = {
  free: [{ name: 'minute', limit: 5, per: '1m' }],
  gold: [
    { name: 'minute', limit: 600, per: '1m' },
    { name: 'day', limit: 100_000, per: 'day' },
  ],
}
// All keys of a customer share what the customer has paid for.
const perCustomer = rateLimit<AuthState>({
  limit: 5,
  per: '1m',
  key: ({ state: { principal } }) => principal.subject,
  plan: { find: (customer) => plans[planOf.get(customer) ?? 'free'], ttl: '1s' },
})

// Who tries keys: only requests that were answered 401 count.
const guesses = rateLimit({ name: 'guesses', limit: 20, per: '5m', refund: (status) => status !== 401, headers: false })

const api = chain()
  .use(guesses)
  .use(auth(apiKey({ keys, pepper, prefix: 'shop' }), { require: scope('orders:read') }))
  .use(perCustomer)
  .to(({ state: { principal } }) => json({ customer: principal.subject }))

const server = await serve(api, { port: Number(PORT), host: '127.0.0.1' })
const admin = await serve(operators, { port: Number(ADMIN_PORT), host: '127.0.0.1' })
console.log(`operators ask ${admin.url} `)
console.log(`listening on ${server.url} `)
process.once('SIGTERM', () => void Promise.all([server.close({ graceMs: 1_000 }), admin.close({ graceMs: 1_000 })]))
