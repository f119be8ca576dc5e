import { setImmediate as turn } from 'node:timers/promises'
import { type CacheOptions, cache, memoryCacheStore } from '@gatelet/cache'
import { chain, GatewayError, HeaderList, PushSource, type Reply, subscribe, text } from '@gatelet/core'
import { type Answer, exchange, type TestExchange, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'

// Clients leave at any stage: while the store is asked, while they wait for another one, before the head, in the middle of the body,
// after it. Whatever happens, all comes back to where it was before.

/** What one client does, and at which turns. */
interface Client {
  readonly target: '/a' | '/b' | '/own'
  readonly kind: 'GET' | 'HEAD' | 'part' | 'POST'
  readonly comesAt: number
  /** Undefined: stays. */
  readonly leavesAfter: number | undefined
  /** Reads this much of the body, then no more until it leaves; undefined: all of it. */
  readonly reads: number | undefined
}

/** What the upstream does with one request. */
interface Answering {
  readonly headAfter: number
  readonly chunks: number
  readonly ends: 'whole' | 'fails' | 'throws' | 'is an error' | 'is cut'
  readonly says: string
}

const turns = fc.nat(8)
const clients: fc.Arbitrary<Client[]> = fc.array(
  fc.record({
    target: fc.constantFrom('/a' as const, '/a' as const, '/b' as const, '/own' as const),
    kind: fc.constantFrom('GET' as const, 'GET' as const, 'GET' as const, 'HEAD' as const, 'part' as const, 'POST' as const),
    comesAt: turns,
    leavesAfter: fc.option(fc.nat(12), { nil: undefined }),
    reads: fc.option(fc.nat(3), { nil: undefined }),
  }),
  { minLength: 1, maxLength: 8 },
)
const answerings: fc.Arbitrary<Answering[]> = fc.array(
  fc.record({
    headAfter: turns,
    chunks: fc.nat(5),
    ends: fc.constantFrom(
      'whole' as const,
      'whole' as const,
      'fails' as const,
      'throws' as const,
      'is an error' as const,
      'is cut' as const,
    ),
    says: fc.constantFrom('max-age=60', 'max-age=60', 'max-age=0, stale-while-revalidate=9', 'no-store', 'no-cache'),
  }),
  { minLength: 1, maxLength: 6 },
)

/** An upstream that plays its part, and knows which of its bodies are still open. */
class Upstream {
  asked = 0
  readonly open = new Set<object>()
  private readonly parts: readonly Answering[]

  constructor(parts: readonly Answering[]) {
    this.parts = parts
  }

  async answer(path: string): Promise<Reply> {
    const part = this.parts[this.asked++ % this.parts.length] as Answering
    for (let at = 0; at < part.headAfter; at++) await turn()
    if (part.ends === 'throws') throw new GatewayError('UPSTREAM_RESET')
    if (part.ends === 'is an error') return text('ill', 503)
    const says = path === '/own' ? 'private' : part.says
    const length: Record<string, string> = part.ends === 'is cut' ? { 'content-length': '100' } : {}
    return { status: 200, headers: new HeaderList({ 'cache-control': says, etag: '"1"', ...length }), body: this.body(part) }
  }

  private body({ chunks, ends }: Answering): PushSource {
    const isOver = () => !this.open.delete(state)
    const state = { isPaused: false }
    const source = new PushSource({
      start: () => void send(),
      pause: () => Object.assign(state, { isPaused: true }),
      resume: () => Object.assign(state, { isPaused: false }),
      cancel: () => void isOver(),
    })
    this.open.add(state)
    const send = async () => {
      for (let left = chunks; left > 0 && this.open.has(state); ) {
        await turn()
        if (state.isPaused || !this.open.has(state)) continue
        left--
        if (!source.push(Buffer.from('0123456789'))) state.isPaused = true
      }
      if (isOver()) return
      if (ends === 'fails') source.fail(new Error('reset'))
      else source.end()
    }
    return source
  }
}

async function played(todo: readonly Client[], parts: readonly Answering[], options: Partial<Omit<CacheOptions, 'per'>>) {
  const clock = virtualClock()
  const upstream = new Upstream(parts)
  const layer = cache({ store: memoryCacheStore({ maxBytes: 1_000_000, clock }), clock, ...options })
  const handler = chain()
    .use(layer)
    .to((ctx) => upstream.answer(ctx.request.url.path))
  const exchanges: TestExchange[] = []
  await Promise.all(
    todo.map(async ({ target, kind, comesAt, leavesAfter, reads }) => {
      for (let at = 0; at < comesAt; at++) await turn()
      const headers: Record<string, string> = kind === 'part' ? { range: 'bytes=2-11' } : {}
      const asked = exchange({ method: kind === 'part' ? 'GET' : kind, url: target, headers }, { clock })
      exchanges.push(asked)
      const leaving = async () => {
        if (leavesAfter === undefined && reads === undefined) return
        for (let at = 0; at < (leavesAfter ?? 40); at++) await turn()
        asked.abort()
      }
      await Promise.all([
        asked.ask(handler).then(
          (answer) => (asked.summary ? undefined : read(answer, reads)),
          () => {},
        ),
        leaving(),
      ])
    }),
  )
  // What waits for a time only: stuck readers, waiters, refreshes.
  for (let at = 0; at < 60; at++) await turn()
  await clock.advance(30_000)
  await Promise.all(exchanges.flatMap(({ background }) => background))
  return { clock, upstream, layer, exchanges }
}

async function read(answer: Answer, chunks: number | undefined): Promise<void> {
  if (chunks === undefined || !(answer.body instanceof Object) || !('pipeTo' in answer.body)) {
    await answer.text().catch(() => {})
    return
  }
  let left = chunks
  answer.body.pipeTo({ write: () => --left > 0, end() {}, fail() {} })
}

test('whenever clients leave, and whatever the upstream does, nothing stays behind', { timeout: 60_000 }, async () => {
  const failures: unknown[] = []
  const unsubscribe = subscribe('cache:store-failed', ({ error }) => failures.push(error))
  let asked = 0
  await fc.assert(
    fc.asyncProperty(clients, answerings, fc.boolean(), fc.boolean(), async (todo, parts, isCollapsed, isTight) => {
      const options = {
        refreshJitterMs: 50,
        ...(isCollapsed ? {} : { collapse: false as const }),
        ...(isTight && { maxEntryBytes: 25 }),
      }
      const { clock, upstream, layer } = await played(todo, parts, options)
      asked += upstream.asked
      const { hits, stale, revalidated, misses, bypassed, inFlight } = layer.stats()
      expect({ inFlight, timers: clock.pending, open: upstream.open.size }).toEqual({ inFlight: 0, timers: 0, open: 0 })
      expect(hits + stale + revalidated + misses + bypassed).toBe(todo.length)
      // What is stored is whole.
      const last = await exchange('/a', { clock }).ask(
        chain()
          .use(layer)
          .to(() => text('ask again', { headers: { 'cache-control': 'no-store' } })),
      )
      const body = await last.text()
      expect(body === 'ask again' || /^(?:0123456789)*$/.test(body), body).toBe(true)
    }),
    { seed: 17, numRuns: 120 },
  )
  unsubscribe()
  expect(failures).toEqual([])
  expect(asked).toBeGreaterThan(200)
})
