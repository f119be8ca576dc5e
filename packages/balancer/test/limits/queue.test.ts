import { type BalancerOptions, createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { type Ask, type Context, isLease, isPromise, type Lease, type Refusal, subscribe } from '@gatelet/core'
import { exchange, seededRandom, virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { leaseOf, named, viewOf } from '../fakes.ts'

const clock = virtualClock()

/** One endpoint that takes one request, and room for ten to wait. */
const narrow = (options: Partial<BalancerOptions> = {}) =>
  createBalancer({
    endpoints: [named('a')],
    limits: { perEndpoint: 1 },
    queue: { size: 10, timeoutMs: 1_000 },
    clock,
    ...options,
  })

interface Asked {
  answer: Lease | Refusal | undefined
}

/** Asks, and writes the answer down when it is there. */
function asked(balancer: ManagedBalancer, ask: Partial<Ask> = {}): Asked {
  const seen: Asked = { answer: undefined }
  const answer = balancer.acquire({ tried: [], ...ask })
  if (isPromise(answer)) {
    void answer.then((late) => {
      seen.answer = late
    })
  } else seen.answer = answer
  return seen
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const reason = ({ answer }: Asked) => (answer && !isLease(answer) ? answer.reason : undefined)
const where = ({ answer }: Asked) => (answer && isLease(answer) ? answer.endpoint.id : undefined)
const release = ({ answer }: Asked) => {
  if (answer && isLease(answer)) answer.release()
}

describe('limits', () => {
  test('an endpoint at its limit is not picked', () => {
    const endpoints = [{ ...named('a'), maxInflight: 2 }, named('b')]
    const balancer = createBalancer({ endpoints, limits: { perEndpoint: 3 } })
    const ids = Array.from({ length: 5 }, () => leaseOf(balancer).endpoint.id)
    expect(ids.toSorted()).toEqual(['a', 'a', 'b', 'b', 'b'])
    expect(balancer.acquire({ tried: [] })).toEqual({ reason: 'queue-full', retryAfterMs: 1_000 })
    expect(balancer.endpoints.map(({ limit }) => limit)).toEqual([2, 3])
  })

  test('all together keep to the total', () => {
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], limits: { total: 3 } })
    const leases = [leaseOf(balancer), leaseOf(balancer), leaseOf(balancer)]
    expect(balancer.acquire({ tried: [] })).toMatchObject({ reason: 'queue-full' })
    leases[0]?.release()
    expect(isLease(balancer.tryAcquire({ tried: [] }))).toBe(true)
  })

  test('an endpoint that is added with a limit keeps to it', () => {
    const balancer = createBalancer({ endpoints: [] })
    balancer.add({ ...named('a'), maxInflight: 1 })
    leaseOf(balancer)
    expect(balancer.tryAcquire({ tried: [] })).toMatchObject({ reason: 'queue-full' })
  })

  test('nobody at all is another answer than no room', () => {
    expect(narrow({ endpoints: [] }).acquire({ tried: [] })).toEqual({ reason: 'none-healthy' })
  })

  test('a request that failed at one endpoint waits for the other, and does not go back', async () => {
    const balancer = narrow({ endpoints: [named('a'), named('b')] })
    const [first, second] = [leaseOf(balancer), leaseOf(balancer)]
    const retry = asked(balancer, { tried: [first.endpoint] })
    first.release()
    await settled()
    expect(retry.answer).toBeUndefined()
    second.release()
    await settled()
    expect(where(retry)).toBe(second.endpoint.id)
  })
})

describe('the queue', () => {
  test('gives a place that is freed to who waits longest', async () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const waiting = [asked(balancer), asked(balancer), asked(balancer)]
    first.release()
    for (const each of waiting) {
      await settled()
      expect(where(each)).toBe('a')
      release(each)
    }
    expect(balancer.endpoints[0]?.inflight).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('gives it to the highest priority first', async () => {
    const balancer = narrow({ priority: (ctx) => Number(ctx.request.headers.get('x-priority')) })
    const first = leaseOf(balancer)
    const low = asked(balancer, { priority: -1 })
    const none = asked(balancer)
    const high = asked(balancer, { context: exchange({ headers: { 'x-priority': '5' } }).ctx })
    first.release()
    for (const each of [high, none, low]) {
      await settled()
      expect(where(each)).toBe('a')
      release(each)
    }
  })

  test('is not overtaken by who comes in the same turn, nor by who does not wait', async () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const waiting = asked(balancer)
    first.release()
    expect(balancer.tryAcquire({ tried: [] })).toMatchObject({ reason: 'queue-full' })
    const later = asked(balancer)
    await settled()
    expect([where(waiting), later.answer]).toEqual(['a', undefined])
    release(waiting)
    await settled()
    release(later)
  })

  test('a retry that waits for another endpoint does not keep others from a free one', async () => {
    const balancer = narrow({ endpoints: [named('a'), named('b')] })
    const [one, other] = [leaseOf(balancer), leaseOf(balancer)]
    const retry = asked(balancer, { tried: [one.endpoint] })
    one.release()
    expect(where(asked(balancer))).toBeUndefined()
    await settled()
    expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([1, 1])
    other.release()
    await settled()
    expect(where(retry)).toBe(other.endpoint.id)
  })

  test.each<[what: string, options: Partial<BalancerOptions>, headers: (cookie: string) => Record<string, string>]>([
    [
      'another subset',
      { subset: { match: (ctx) => ({ at: ctx.request.headers.get('x-at') ?? 'a' }), fallback: 'none' } },
      () => ({ 'x-at': 'b' }),
    ],
    [
      'the endpoint of its session',
      { affinity: { cookie: 's', secret: 'a secret of the test', whileDown: 'refuse' } },
      (cookie) => ({ cookie }),
    ],
  ])('one that waits for %s does not keep others from a free one', async (_what, options, headers) => {
    const endpoints = ['a', 'b'].map((id) => ({ ...named(id), metadata: { at: id } }))
    const balancer = narrow({ endpoints, ...options })
    const taken = ['a', 'b'].map((at) => {
      const lease = balancer.tryAcquire({ tried: [], context: exchange({ headers: { 'x-at': at } }).ctx })
      if (!isLease(lease)) throw new Error(lease.reason)
      return lease
    })
    const [other, own] = taken as [Lease, Lease]
    const choosy = asked(balancer, {
      context: exchange({ headers: headers(own.replyHeaders?.[0]?.[1].split(';')[0] ?? '') }).ctx,
    })
    const any = asked(balancer, { context: exchange('/').ctx })
    other.release()
    await settled()
    expect([choosy.answer, where(any)]).toEqual([undefined, other.endpoint.id])
    own.release()
    await settled()
    expect(where(choosy)).toBe(own.endpoint.id)
    release(any)
    release(choosy)
  })

  test('refuses one too many, at once', async () => {
    const balancer = narrow({ queue: { size: 2 } })
    const first = leaseOf(balancer)
    const waiting = [asked(balancer), asked(balancer)]
    expect(asked(balancer).answer).toEqual({ reason: 'queue-full', retryAfterMs: 2_000 })
    const important = asked(balancer, { priority: 1 })
    await settled()
    expect(waiting.map(reason)).toEqual([undefined, 'queue-full'])
    await balancerEmptied(balancer, first, [important, waiting[0] as Asked])
  })

  test('refuses who waited too long, each at its time', async () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const early = asked(balancer)
    await clock.advance(600)
    const late = asked(balancer)
    await clock.advance(399)
    expect(early.answer).toBeUndefined()
    await clock.advance(1)
    expect(early.answer).toEqual({ reason: 'queue-timeout', retryAfterMs: 1_000 })
    expect(late.answer).toBeUndefined()
    await clock.advance(600)
    expect(reason(late)).toBe('queue-timeout')
    expect(clock.pending).toBe(0)
    first.release()
  })

  test('keeps one timer, however many wait', () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const before = clock.pending
    for (let waits = 0; waits < 10; waits++) asked(balancer)
    expect(clock.pending - before).toBe(1)
    void balancer.close()
    first.release()
  })

  test('lets go at once of who leaves: by a signal, with the client, at a deadline', async () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const controller = new AbortController()
    const client = exchange('/', { clock })
    const [bySignal, withClient] = [asked(balancer, { signal: controller.signal }), asked(balancer, { context: client.ctx })]
    const byDeadline = asked(balancer, { context: exchange('/', { clock }).ctx.withDeadline(clock.now() + 50) })
    controller.abort()
    client.abort()
    await clock.advance(50)
    expect([bySignal, withClient, byDeadline].map(reason)).toEqual(['queue-timeout', 'queue-timeout', 'queue-timeout'])
    first.release()
    expect(isLease(balancer.tryAcquire({ tried: [] }))).toBe(true)
    expect(asked(balancer, { signal: controller.signal }).answer).toMatchObject({ reason: 'queue-timeout' })
  })

  test('takes the newest first while the oldest has waited too long, where that is asked for', async () => {
    const balancer = narrow({ queue: { size: 10, timeoutMs: 1_000, order: 'adaptive-lifo' } })
    const first = leaseOf(balancer)
    const old = asked(balancer)
    await clock.advance(501)
    const fresh = asked(balancer)
    first.release()
    await settled()
    expect([where(old), where(fresh)]).toEqual([undefined, 'a'])
    release(fresh)
    await settled()
    expect(where(old)).toBe('a')
    release(old)
  })

  test('sees an endpoint that comes, and a weight that comes back', async () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const [one, other] = [asked(balancer), asked(balancer)]
    balancer.add(named('b'))
    await settled()
    expect([where(one), where(other)]).toEqual(['b', undefined])
    balancer.setWeight('a', 0)
    first.release()
    await settled()
    expect(where(other)).toBeUndefined()
    balancer.setWeight('a', 1)
    await settled()
    expect(where(other)).toBe('a')
    release(one)
    release(other)
  })

  test('is sent away when the balancer closes', async () => {
    const balancer = narrow()
    const first = leaseOf(balancer)
    const waiting = [asked(balancer), asked(balancer)]
    const closing = balancer.close()
    await settled()
    expect(waiting.map(reason)).toEqual(['draining', 'draining'])
    first.release()
    await closing
    expect(clock.pending).toBe(0)
  })
})

describe('in the middle of a pick for one who waits', () => {
  const explained = (act: () => void) => onTestFinished(subscribe('endpoint:explained', act))

  test('who leaves gets no lease, and those behind it are served', async () => {
    const balancer = narrow({ explainShare: 1 })
    const first = leaseOf(balancer)
    const controller = new AbortController()
    const leaving = asked(balancer, { signal: controller.signal })
    const [next, last] = [asked(balancer), asked(balancer)]
    explained(() => controller.abort())
    first.release()
    await settled()
    expect([reason(leaving), where(next), last.answer]).toEqual(['queue-timeout', 'a', undefined])
    release(next)
    await settled()
    expect(where(last)).toBe('a')
    release(last)
    expect(viewOf(balancer, 'a').inflight).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('the balancer may be closed', async () => {
    const balancer = narrow({ explainShare: 1 })
    const first = leaseOf(balancer)
    const waiting = [asked(balancer), asked(balancer)]
    explained(() => void balancer.close())
    first.release()
    await settled()
    expect(waiting.map(reason)).toEqual(['draining', 'draining'])
    expect(viewOf(balancer, 'a').inflight).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('a function of the user’s that throws fails its request alone, not who made room', async () => {
    let isOdd = false
    const subset = (ctx: Context) => {
      if (isOdd && ctx.request.headers.has('x-gone')) controller.abort()
      if (isOdd && ctx.request.headers.has('x-odd')) throw new Error('odd')
      return undefined
    }
    const balancer = narrow({ subset })
    const first = leaseOf(balancer)
    const before = asked(balancer)
    const controller = new AbortController()
    const { ctx: leaving } = exchange({ headers: { 'x-odd': '1', 'x-gone': '1' } })
    const gone = asked(balancer, { context: leaving, signal: controller.signal })
    const odd = expect(balancer.acquire({ tried: [], context: exchange({ headers: { 'x-odd': '1' } }).ctx })).rejects.toThrow(
      'odd',
    )
    const after = asked(balancer)
    isOdd = true
    first.release()
    await settled()
    release(before)
    await odd
    expect(reason(gone)).toBe('queue-timeout')
    await settled()
    expect(where(after)).toBe('a')
    release(after)
    expect(clock.pending).toBe(0)
  })
})

describe('while nobody may be picked', () => {
  const empty = () => createBalancer({ endpoints: [], queue: { size: 100, whileNoneHealthy: true }, clock })

  test('requests wait, where that is asked for, and are let in one by one at first', async () => {
    const balancer = empty()
    const waiting = Array.from({ length: 20 }, () => asked(balancer))
    balancer.add(named('a'))
    await settled()
    const inside = () => balancer.endpoints[0]?.inflight
    expect(inside()).toBe(1)
    const seen = [1]
    for (const each of waiting) {
      await settled()
      const lease = each.answer as Lease
      lease.answered({ kind: 'success', latencyMs: 1 })
      lease.release()
      await settled()
      seen.push(inside() ?? 0)
    }
    expect(seen.slice(0, 4)).toEqual([1, 2, 3, 4])
    expect(inside()).toBe(0)
    expect(leaseOf(balancer).endpoint.id).toBe('a')
  })

  test('those that fail let others try, so that nobody is forgotten', async () => {
    const balancer = empty()
    const waiting = Array.from({ length: 5 }, () => asked(balancer))
    balancer.add(named('a'))
    for (const each of waiting) {
      await settled()
      const lease = each.answer as Lease
      lease.answered({ kind: 'failure', latencyMs: 1 })
      lease.release()
    }
    expect(clock.pending).toBe(0)
  })
})

test('10,000 requests that come, wait, leave and end in every way keep every limit and leave nothing behind', async () => {
  const random = seededRandom(23)
  const own = virtualClock()
  const balancer = createBalancer({
    endpoints: ['a', 'b', 'c'].map((id) => named(id)),
    limits: { perEndpoint: 3, total: 7 },
    queue: { size: 20, timeoutMs: 500, order: 'adaptive-lifo' },
    ejection: false,
    clock: own,
  })
  const open = new Set<Lease>()
  const controllers: AbortController[] = []
  let answers = 0
  const take = (answer: Lease | Refusal) => {
    answers++
    if (isLease(answer)) open.add(answer)
  }
  const check = () => {
    const counts = balancer.endpoints.map(({ inflight }) => inflight)
    expect(Math.max(...counts)).toBeLessThanOrEqual(3)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(7)
  }
  for (let step = 0; step < 10_000; step++) {
    const controller = new AbortController()
    const tried = random() < 0.3 ? balancer.endpoints.filter(() => random() < 0.5) : []
    const answer = balancer.acquire({ tried, priority: Math.floor(random() * 3), signal: controller.signal })
    if (isPromise(answer)) {
      controllers.push(controller)
      void answer.then(take)
    } else take(answer)
    if (random() < 0.2) controllers[Math.floor(random() * controllers.length)]?.abort()
    for (const lease of open) {
      if (random() < 0.15) {
        lease.release()
        open.delete(lease)
      }
    }
    if (random() < 0.05) await own.advance(random() * 100)
    if (random() < 0.02) balancer.setWeight('c', Math.floor(random() * 2))
    check()
  }
  await own.advance(1_000)
  for (const lease of open) lease.release()
  await settled()
  for (const lease of open) lease.release()
  await own.advance(1_000)
  expect(answers).toBe(10_000)
  expect(balancer.endpoints.map(({ inflight }) => inflight)).toEqual([0, 0, 0])
  expect(own.pending).toBe(0)
})

async function balancerEmptied(balancer: ManagedBalancer, first: Lease, waiting: readonly Asked[]): Promise<void> {
  first.release()
  for (const each of waiting) {
    await settled()
    expect(where(each)).toBe('a')
    release(each)
  }
  expect(balancer.endpoints[0]?.inflight).toBe(0)
}

test('who waits, who is served and who finds no room is told of, with the name of the balancer', async () => {
  const told: unknown[] = []
  const undo = [
    subscribe('queue:joined', (event) => void told.push(event)),
    subscribe('queue:left', (event) => void told.push(event)),
  ]
  onTestFinished(() => {
    for (const stop of undo) stop()
  })
  const clock = virtualClock()
  const balancer = narrow({ name: 'users', queue: { size: 1, timeoutMs: 1_000 }, clock })
  const first = asked(balancer)
  const second = asked(balancer)
  asked(balancer)
  await clock.advance(40)
  release(first)
  await settled()
  asked(balancer)
  await clock.advance(1_000)
  const who = { balancer: 'users' }
  expect(where(second)).toBe('a')
  expect(told).toEqual([
    { waiting: 1, ...who },
    { outcome: 'queue-full', waitedMs: 0, waiting: 1, ...who },
    { outcome: 'served', waitedMs: 40, waiting: 0, ...who },
    { waiting: 1, ...who },
    { outcome: 'queue-timeout', waitedMs: 1_000, waiting: 0, ...who },
  ])
})
