import { request as httpRequest } from 'node:http'
import { createBalancer } from '@gatelet/balancer'
import { cache, cacheable } from '@gatelet/cache'
import { bytesOf, chain, GatewayError, text } from '@gatelet/core'
import { prometheusMetrics } from '@gatelet/metrics'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { rateLimit } from '@gatelet/rate-limiter'
import { createRouter } from '@gatelet/router'
import { origins, seededRandom } from '@gatelet/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type Figures, figures } from './figures.ts'

const total = process.env['HEAVY_SHORT'] === '1' ? 10_000 : 100_000
const clients = 32
const requests = 'http_server_request_duration_seconds'

/** What the load generator saw. */
class Ledger {
  private readonly counts = new Map<string, number>()

  add(what: string, by = 1): void {
    this.counts.set(what, this.of(what) + by)
  }

  of(what: string): number {
    return this.counts.get(what) ?? 0
  }
}

test(`the figures of ${total} mixed requests are those of who sent them, to the last one`, async () => {
  const metrics = prometheusMetrics()
  onTestFinished(() => metrics.close())
  await using farm = await origins(3)
  // The first refuses every connection: what comes to it is asked elsewhere, until it is ejected, and then again and again.
  await farm.stop(0)
  const balancer = createBalancer({ endpoints: farm.urls, strategy: 'round-robin', ejection: false })
  const forward = proxy(balancer, { retries: { budget: false } })
  let stored = 0
  const cached = chain()
    .use(cache())
    .to(({ request }) => {
      stored++
      return cacheable({ ttlMs: 86_400_000 })(text(`stored ${request.url.path}`))
    })
  const limited = chain()
    .use(rateLimit({ name: 'day', limit: 100, per: 'day' }))
    .to(() => text('ok'))
  const arrived = new Map<string, () => void>()
  const router = createRouter()
    .get('/asked/:id', forward)
    .post('/sent/:id', async ({ request }) => text(String((await bytesOf(request.body, 1_000)).length), 201))
    .get('/stored/:id', cached)
    .get('/limited', limited)
    .get('/broken', () => {
      throw new GatewayError('NO_ENDPOINT')
    })
    .get('/never/:id', ({ state }) => {
      arrived.get(state.params.id)?.()
      return new Promise(() => {})
    })
  const server = await serve(router, { port: 0, host: '127.0.0.1' })
  const seen = new Ledger()
  const random = seededRandom(12)

  const ask = async (kind: string, path: string, method: 'GET' | 'POST' = 'GET', body?: string) => {
    const reply = await fetch(`${server.url}${path}`, { method, body: body ?? null })
    const bytes = (await reply.arrayBuffer()).byteLength
    seen.add(`${kind} ${reply.status}`)
    seen.add('bytes', bytes)
    seen.add('sent', body?.length ?? 0)
  }
  // Its connection is cut when the gateway has the request.
  const leave = (id: number) =>
    new Promise<void>((resolve) => {
      const leaving = httpRequest(`${server.url}/never/${id}`, { agent: false })
      arrived.set(String(id), () => void leaving.destroy())
      leaving.on('error', () => {})
      leaving.on('close', () => resolve())
      leaving.end()
      seen.add('left 499')
    })
  const kinds: readonly (readonly [upTo: number, ask: (id: number) => Promise<void>])[] = [
    [0.4, (id) => ask('asked', `/asked/${id}`)],
    [0.6, (id) => ask('stored', `/stored/${id % 50}`)],
    [0.75, (id) => ask('posted', `/sent/${id}`, 'POST', 'x'.repeat(id % 100))],
    [0.85, () => ask('limited', '/limited')],
    [0.95, () => ask('broken', '/broken')],
    [0.99, (id) => ask('missing', `/missing/${id}`)],
    [1, leave],
  ]
  let sent = 0
  const client = async () => {
    while (sent < total) {
      const id = sent++
      const chance = random()
      const [, one] = kinds.find(([upTo]) => chance < upTo) ?? (kinds[0] as (typeof kinds)[number])
      await one(id)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  let found: Figures = await figures(metrics.handler)
  // The last one that left may be told of a little later. Who asks for figures is under way itself.
  await vi.waitUntil(async () => {
    found = await figures(metrics.handler)
    return found.of('http_server_active_requests') === 1
  })

  const status = (code: string, more = {}) => found.of(requests, { http_response_status_code: code, ...more })
  // Who asks for figures is counted too, and has no route.
  const collected = found.of(requests) - total
  expect(status('200', { http_route: '/asked/:id' })).toBe(seen.of('asked 200'))
  expect(status('200', { http_route: '/stored/:id' })).toBe(seen.of('stored 200'))
  expect(status('201', { http_route: '/sent/:id', http_request_method: 'POST' })).toBe(seen.of('posted 201'))
  expect(status('200', { http_route: '/limited' })).toBe(seen.of('limited 200'))
  expect(status('429', { http_route: '/limited' })).toBe(seen.of('limited 429'))
  expect(status('503', { http_route: '/broken', error_type: 'NO_ENDPOINT' })).toBe(seen.of('broken 503'))
  expect(status('404', { http_route: '' })).toBe(seen.of('missing 404'))
  expect(status('499', { http_route: '/never/:id', error_type: 'CLIENT_CLOSED' })).toBe(seen.of('left 499'))
  expect(status('200', { http_route: '' })).toBe(collected)
  // Each of these kinds has come, and nothing else.
  const kept = ['asked 200', 'stored 200', 'posted 201', 'limited 200', 'limited 429', 'broken 503', 'missing 404', 'left 499']
  for (const kind of kept) expect(seen.of(kind)).toBeGreaterThan(0)
  expect(kept.reduce((sum, kind) => sum + seen.of(kind), 0)).toBe(total)

  const io = (direction: string, route: string) =>
    found.of('gatelet_http_body_io_bytes_total', { network_io_direction: direction, http_route: route })
  const routes = ['/asked/:id', '/stored/:id', '/sent/:id', '/limited', '/broken', '/never/:id']
  expect(io('receive', '/sent/:id')).toBe(seen.of('sent'))
  const ofRoutes = routes.reduce((sum, route) => sum + io('transmit', route), 0)
  expect(ofRoutes).toBe(seen.of('bytes') - seen.of('missing 404') * (await notFoundBytes(server.url)))

  expect(found.of('gatelet_rate_decisions_total', { gatelet_verdict: 'allowed' })).toBe(seen.of('limited 200'))
  expect(found.of('gatelet_rate_decisions_total', { gatelet_verdict: 'quota', gatelet_policy: 'day' })).toBe(
    seen.of('limited 429'),
  )
  const answers = (result: string) => found.of('gatelet_cache_answers_total', { gatelet_result: result })
  expect(found.of('gatelet_cache_answers_total')).toBe(seen.of('stored 200'))
  expect(answers('miss')).toBeGreaterThanOrEqual(stored)
  expect(answers('hit') + answers('miss')).toBe(seen.of('stored 200'))
  expect(found.of('gatelet_cache_stores_total')).toBe(50)

  const attempts = (outcome: string) => found.of('gatelet_upstream_attempts_total', { gatelet_outcome: outcome })
  expect(attempts('success')).toBe(seen.of('asked 200'))
  expect(attempts('success')).toBe(farm.hits)
  expect(attempts('failure')).toBeGreaterThan(seen.of('asked 200') / 4)
  expect(found.of('gatelet_upstream_resends_total', { gatelet_kind: 'retry' })).toBe(attempts('failure'))
  expect(found.of('http_client_request_duration_seconds', { http_response_status_code: '200' })).toBe(farm.hits)
  expect(found.of('http_client_request_duration_seconds', { error_type: 'UPSTREAM_CONNECT_FAILED' })).toBe(attempts('failure'))
  expect(found.of('gatelet_request_upstream_duration_seconds')).toBe(seen.of('asked 200'))
  expect(found.of('gatelet_request_gateway_duration_seconds')).toBe(found.of(requests))
  await server.close({ graceMs: 0 })
  await forward.close()
  await balancer.close()
}, 550_000)

async function notFoundBytes(url: string): Promise<number> {
  return (await (await fetch(`${url}/missing`)).arrayBuffer()).byteLength
}
