import type { Ask, Balancer } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, origins, seededRandom } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

const ENDPOINTS = 4
const FAULTS = [
  undefined,
  { kind: 'reset-before-headers' },
  { kind: 'close-on-reuse' },
  { kind: 'refuse' },
  { kind: 'status', status: 503 },
  { kind: 'reset-mid-body' },
] as const

test('under random faults no request sees an endpoint twice while another is left, and a POST that was sent is sent once', async () => {
  await using farm = await origins(ENDPOINTS)
  const random = seededRandom(21)
  const anyOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
  const given = ledger(farm.urls)
  let asked: string[] = []
  // When all were tried, the first may be given again: then it is the proxy that decides.
  const balancer: Balancer = {
    acquire({ tried }: Ask) {
      const lease = given.acquire({ tried: tried.length === ENDPOINTS ? [] : tried })
      if ('endpoint' in lease) asked.push((lease as { endpoint: { id: string } }).endpoint.id)
      return lease
    },
    close: () => Promise.resolve(),
  }
  const handler = proxy(balancer, { retries: { max: 6, statuses: [503], baseMs: 1, budget: false } })
  for (let i = 0; i < 400; i++) {
    for (const origin of farm.servers) origin.fault = anyOf(FAULTS)
    const method = anyOf(['GET', 'PUT', 'POST'])
    const before = farm.hits
    asked = []
    const reply = await call(handler, { method, ...(method === 'GET' ? {} : { body: 'hello' }) })
    await reply.bytes().catch(() => {})
    const races = given.kinds.slice(-asked.length).filter((kind) => kind === 'cancelled').length
    const places = asked.filter((id, at) => id !== asked[at - 1])
    expect(new Set(places.slice(0, ENDPOINTS)).size, `${method} ${asked}`).toBe(Math.min(places.length, ENDPOINTS))
    if (method === 'POST') expect(farm.hits - before).toBeLessThanOrEqual(1 + races)
  }
  expect(given.open).toBe(0)
  await handler.close()
})
