import { connect } from 'node:net'
import { auth, principalOf, type Verifier } from '@gatelet/auth'
import { type Context, chain, text } from '@gatelet/core'
import { type UsageRecord, usage } from '@gatelet/metrics'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { createRouter } from '@gatelet/router'
import { origins, seededRandom } from '@gatelet/testing'
import { expect, test, vi } from 'vitest'

const count = process.env['HEAVY_SHORT'] === '1' ? 2_000 : 40_000
const atOnce = 20

const byKey: Verifier = {
  challenges: [{ scheme: 'Key', params: {} }],
  verify(ctx: Context) {
    const subject = ctx.request.headers.get('x-key')
    return subject === undefined ? { kind: 'absent' } : { kind: 'proved', principal: principalOf({ subject, scheme: 'key' }) }
  },
}

/** What the clients saw, by the name of the consumer. */
class Seen {
  readonly requests = new Map<string, number>()
  readonly sentBytes = new Map<string, number>()
  readonly statuses = new Map<number, number>()

  add(consumer: string, status: number, received: number): void {
    this.requests.set(consumer, (this.requests.get(consumer) ?? 0) + 1)
    this.sentBytes.set(consumer, (this.sentBytes.get(consumer) ?? 0) + received)
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
  }
}

test('bills and windows agree with what clients counted, those that left among them', async () => {
  const records: UsageRecord[] = []
  const counted = usage({
    watched: 20,
    windows: [{ name: 'day', lengthMs: 86_400_000, parts: 1 }],
    billing: { onWindow: (record) => void records.push(record), maxConsumers: 50 },
  })
  await using farm = await origins(2)
  const forward = proxy(farm.urls[0] as string)
  const waiting = new Map<string, () => void>()
  const never = ({ request }: Context) => {
    waiting.get(request.url.search)?.()
    return new Promise<never>(() => {})
  }
  const router = createRouter()
    .mount('/farm/*rest', chain().use(auth(byKey)).to(forward))
    .get(
      '/bad',
      chain()
        .use(auth(byKey))
        .to(() => text('no', 503)),
    )
    .get('/never', chain().use(auth(byKey)).to(never))
  await using server = await serve(router, { port: 0, host: '127.0.0.1' })
  const seen = new Seen()
  const random = seededRandom(12)

  async function one(): Promise<void> {
    // A few come often, and two hundred now and then.
    const consumer = random() < 0.5 ? `busy${Math.floor(random() * 4)}` : `c${Math.floor(random() * 200)}`
    const kind = random()
    if (kind < 0.02) {
      await left(consumer)
      return
    }
    const path = kind < 0.1 ? '/bad' : kind < 0.15 ? '/nothing' : '/farm/x'
    const headers: Record<string, string> = kind > 0.95 ? {} : { 'x-key': consumer }
    const reply = await fetch(`${server.url}${path}`, { headers })
    const bytes = (await reply.arrayBuffer()).byteLength
    // What no route is for has met no `auth`.
    seen.add(path === '/nothing' || kind > 0.95 ? '' : consumer, reply.status, bytes)
  }

  async function left(consumer: string): Promise<void> {
    const id = `?${random()}`
    const arrived = new Promise<void>((resolve) => waiting.set(id, resolve))
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET /never${id} HTTP/1.1\r\nhost: a\r\nx-key: ${consumer}\r\n\r\n`)
    await arrived
    socket.destroy()
    seen.add(consumer, 499, 0)
  }

  let asked = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (asked++ < count) await one()
    }),
  )
  const total = [...seen.requests.values()].reduce((sum, each) => sum + each, 0)
  expect(total).toBe(count)
  const day = () => counted.snapshot().windows[0] ?? expect.fail('no window')
  await vi.waitUntil(() => day().total.requests === total, { timeout: 20_000 })
  const { consumers, total: inWindow } = day()
  counted.close()

  const billed = { requests: new Map<string, number>(), sentBytes: new Map<string, number>() }
  for (const { consumers } of records)
    for (const { consumer, requests, sentBytes } of consumers) {
      billed.requests.set(consumer ?? '', (billed.requests.get(consumer ?? '') ?? 0) + requests)
      billed.sentBytes.set(consumer ?? '', (billed.sentBytes.get(consumer ?? '') ?? 0) + sentBytes)
    }
  expect(billed.requests).toEqual(seen.requests)
  expect(billed.sentBytes).toEqual(seen.sentBytes)
  expect(records.length).toBeGreaterThan(1)
  expect(inWindow.aborted).toBe(seen.statuses.get(499) ?? 0)
  expect(inWindow.byStatus['5xx']).toBe(seen.statuses.get(503))
  expect(consumers.top.reduce((sum, { requests }) => sum + requests, consumers.other.requests)).toBe(total)
  for (const { key, requests, missedAtMost } of consumers.top) {
    const exact = seen.requests.get(key ?? '') ?? 0
    expect(requests).toBeLessThanOrEqual(exact)
    expect(requests + missedAtMost).toBeGreaterThanOrEqual(exact)
  }
  expect(
    consumers.top
      .slice(0, 4)
      .map(({ key }) => key)
      .sort(),
  ).toEqual(['busy0', 'busy1', 'busy2', 'busy3'])
})
