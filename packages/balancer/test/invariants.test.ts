// What holds for a whole balancer, whatever is done to it and in whichever order.
import {
  type BalancerOptions,
  boundedLoad,
  createBalancer,
  type EndpointView,
  type ManagedBalancer,
  rendezvous,
} from '@gatelet/balancer'
import { isLease, isPromise, type Lease, type Outcome, type Refusal } from '@gatelet/core'
import { exchange, type VirtualClock, virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attempt, named, viewOf } from './fakes.ts'

const id = fc.constantFrom(...'abcde')
const kinds = ['success', 'failure', 'cancelled'] as const

/** One thing that is done to a balancer; `at` says to which of the requests that are under way. */
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ what: fc.constant('ask' as const), key: fc.nat(9), priority: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('retry' as const), at: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('answer' as const), at: fc.nat(), kind: fc.constantFrom(...kinds) }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('release' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('abort' as const), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('weight' as const), id, weight: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('remove' as const, 'drain' as const, 'eject' as const), id }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('health' as const), id, isHealthy: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('list' as const), ids: fc.uniqueArray(id, { maxLength: 5 }) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const zones = { a: 'x', b: 'x', c: 'y', d: 'y', e: 'z' } as Record<string, string>
const endpointOf = (id: string) => ({ ...named(id), zone: zones[id] ?? 'x', priority: id === 'e' ? 1 : 0 })

const setups: readonly (readonly [name: string, options: Partial<BalancerOptions>])[] = [
  ['nothing set', {}],
  ['limits and a queue', { limits: { perEndpoint: 2, total: 6 }, queue: { size: 4, timeoutMs: 200, whileNoneHealthy: true } }],
  [
    'an adaptive limit',
    { limits: { adaptive: { algorithm: 'aimd', min: 1, max: 4 } }, queue: { size: 4, order: 'adaptive-lifo' } },
  ],
  ['sessions', { affinity: { cookie: 's', secret: 'a secret of the test' }, limits: { perEndpoint: 3 } }],
  ['zones and slow start', { zone: { local: 'x', minEndpoints: 2 }, slowStart: { windowMs: 500 }, strategy: 'round-robin' }],
  [
    'no panic, failing fast',
    { panicThreshold: 0, ejection: { failFast: true, baseMs: 100, consecutiveFailures: 2 }, strategy: 'hash' },
  ],
]

/** One request of a test: where it has been, and the lease that it has now. */
interface Flight {
  readonly controller: AbortController
  readonly tried: EndpointView[]
  lease: Lease | undefined
}

/** Does steps to a balancer, and looks after each whether what must hold does. */
class Run {
  readonly clock: VirtualClock = virtualClock()
  readonly balancer: ManagedBalancer
  readonly isBySession: boolean
  private readonly flights: Flight[] = []
  /** Every endpoint that was ever there. */
  private readonly seen = new Set<EndpointView>()
  /** Of each client, the key of which is its number. */
  private readonly cookies = new Map<number, string>()
  asked = 0
  answered = 0

  constructor(options: Partial<BalancerOptions>) {
    this.isBySession = options.affinity !== undefined
    const ejection = { consecutiveFailures: 2, baseMs: 100, maxMs: 300 }
    this.balancer = createBalancer({ endpoints: [...'abcde'].map(endpointOf), ejection, ...options, clock: this.clock })
    this.look()
  }

  async do(step: Step): Promise<void> {
    const before = new Map(this.balancer.endpoints.map((endpoint) => [endpoint.id, endpoint]))
    await this.done(step)
    // Whoever gets a place meanwhile gets it before the next step.
    await new Promise((soon) => setImmediate(soon))
    if (step.what === 'list')
      for (const id of step.ids) if (before.has(id)) expect(viewOf(this.balancer, id)).toBe(before.get(id))
    this.look()
  }

  async end(): Promise<void> {
    const closing = this.balancer.close()
    await new Promise((soon) => setImmediate(soon))
    for (const flight of this.flights) flight.lease?.release()
    await closing
    // Only a drain with sessions still waits for its deadline.
    await this.clock.advance(60_000)
    expect(this.answered).toBe(this.asked)
    expect([...this.seen].map(({ inflight }) => inflight)).toEqual([...this.seen].map(() => 0))
    expect(this.clock.pending).toBe(0)
  }

  private async done(step: Step): Promise<unknown> {
    const { balancer, clock } = this
    const flight = 'at' in step ? this.flights[step.at % this.flights.length] : undefined
    const isKnown = 'id' in step && balancer.endpoints.some(({ id }) => id === step.id)
    if (step.what === 'ask') return this.ask({ controller: new AbortController(), tried: [], lease: undefined }, step)
    if (step.what === 'wait') return clock.advance(step.ms)
    if (step.what === 'list') return void balancer.replace(step.ids.map(endpointOf))
    if (step.what === 'retry' && flight?.lease) return this.retry(flight)
    if (step.what === 'answer') return flight?.lease?.answered({ kind: step.kind, latencyMs: 1 })
    if (step.what === 'release') return this.release(flight)
    if (step.what === 'abort') return flight?.controller.abort()
    if (!isKnown) return undefined
    if (step.what === 'weight') return balancer.setWeight(step.id, step.weight)
    if (step.what === 'remove') return void balancer.remove(step.id)
    if (step.what === 'drain') return void balancer.drain(step.id)
    if (step.what === 'eject') return balancer.eject(step.id)
    return step.what === 'health' && balancer.setHealth(step.id, step.isHealthy)
  }

  private ask(flight: Flight, { key, priority }: { key: number; priority: number }): void {
    const { ctx: context } = exchange({ headers: { cookie: this.cookies.get(key) ?? '' } }, { clock: this.clock })
    const tried = [...flight.tried]
    // Before it is picked, since then it counts itself.
    const free = this.free(tried)
    this.asked++
    const answer = this.balancer.acquire({ tried, hashKey: `${key}`, priority, context, signal: flight.controller.signal })
    if (isPromise(answer)) void answer.then((late) => this.take(flight, key, late))
    else {
      this.take(flight, key, answer)
      // I21: nowhere twice, while there is one that it has not been to and that may be picked.
      if (isLease(answer) && free.length > 0) expect(tried).not.toContain(answer.endpoint)
    }
  }

  private take(flight: Flight, key: number, answer: Lease | Refusal): void {
    this.answered++
    if (!isLease(answer)) return
    const [, cookie] = answer.replyHeaders?.[0] ?? []
    if (cookie) this.cookies.set(key, cookie.split(';')[0] ?? '')
    // I8: nobody who was removed, or has no weight (but for sessions), is picked.
    const known = this.balancer.endpoints.find((endpoint) => endpoint === answer.endpoint)
    expect(known).toBeDefined()
    if (!this.isBySession) expect(answer.endpoint.weight).toBeGreaterThan(0)
    flight.lease = answer
    this.flights.push(flight)
  }

  private retry(flight: Flight): void {
    const { lease } = flight
    this.release(flight)
    if (lease)
      this.ask({ ...flight, tried: [...flight.tried, lease.endpoint as EndpointView], lease: undefined }, { key: 1, priority: 1 })
  }

  private release(flight: Flight | undefined): void {
    const at = flight ? this.flights.indexOf(flight) : -1
    if (at < 0) return
    this.flights.splice(at, 1)
    flight?.lease?.release()
    flight?.lease?.release()
  }

  private free(tried: readonly EndpointView[]): readonly EndpointView[] {
    return this.balancer.endpoints.filter(
      (endpoint) =>
        endpoint.state === 'active' &&
        endpoint.circuit === 'closed' &&
        endpoint.inflight < endpoint.limit &&
        !tried.includes(endpoint),
    )
  }

  // I6: what is in flight is what was leased and not given back, of each endpoint, at any time; limits hold.
  private look(): void {
    for (const endpoint of this.balancer.endpoints) this.seen.add(endpoint)
    const open = new Map<unknown, number>()
    for (const { lease } of this.flights) open.set(lease?.endpoint, (open.get(lease?.endpoint) ?? 0) + 1)
    for (const endpoint of this.seen) expect(endpoint.inflight).toBe(open.get(endpoint) ?? 0)
  }
}

test.each(setups)(
  'leases are counted exactly, nobody who left is picked, and nothing is left behind (%s)',
  async (_name, options) => {
    const run = async (steps: readonly Step[]) => {
      const run = new Run(options)
      for (const step of steps) await run.do(step)
      await run.end()
    }
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), run), { seed: 6, numRuns: 100 })
  },
)

describe('a bound on the load of one endpoint', () => {
  test('is kept strictly by a balancer whose members change', () => {
    const factor = 1.25
    const change = fc.record({ key: fc.nat(3), ends: fc.nat(), id, weight: fc.integer({ min: 0, max: 3 }), isChange: fc.nat(9) })
    const run = (changes: readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[]) => {
      const strategy = boundedLoad(rendezvous, { factor })
      const balancer = createBalancer({ endpoints: [...'abcde'].map((id) => named(id)), strategy, clock: virtualClock() })
      const open: Lease[] = []
      for (const { key, ends, id, weight, isChange } of changes) {
        if (isChange === 0) balancer.setWeight(id, weight)
        const answer = balancer.tryAcquire({ tried: [], hashKey: `${key}` })
        const inPlay = balancer.endpoints.filter((endpoint) => endpoint.weight > 0)
        expect(isLease(answer)).toBe(inPlay.length > 0)
        if (!isLease(answer)) continue
        open.push(answer)
        const inflight = inPlay.reduce((sum, endpoint) => sum + endpoint.inflight, 0)
        const weights = inPlay.reduce((sum, endpoint) => sum + endpoint.weight, 0)
        const { endpoint } = answer
        // Those that were full before a weight changed stay so: somebody is below the bound all the same.
        expect(endpoint.inflight).toBeLessThanOrEqual(Math.ceil((factor * inflight * endpoint.weight) / weights - 1e-9))
        if (ends % 3 > 0) open.splice(ends % open.length, 1)[0]?.release()
      }
    }
    fc.assert(fc.property(fc.array(change, { minLength: 50, maxLength: 200 }), run), { seed: 17, numRuns: 60 })
  })
})

test('one that starts slowly only gets more weight, from the least of it to the whole', async () => {
  const slowStart = fc.record({
    windowMs: fc.integer({ min: 20, max: 10_000 }),
    minWeight: fc.double({ min: 0.01, max: 1, noNaN: true }),
    aggression: fc.double({ min: 0.1, max: 10, noNaN: true }),
  })
  const waits = fc.array(fc.double({ min: 0, max: 0.3, noNaN: true }), { maxLength: 20 })
  const run = async (
    rules: typeof slowStart extends fc.Arbitrary<infer T> ? T : never,
    waits: readonly number[],
    full: number,
  ) => {
    const clock = virtualClock()
    const balancer = createBalancer({ endpoints: [named('a'), named('b')], slowStart: rules, clock })
    expect(balancer.endpoints.map(({ weight }) => weight)).toEqual([1, 1])
    const late = balancer.add(named('late', full))
    let before = full * rules.minWeight * (1 - 1e-9)
    let passed = 0
    for (const wait of waits) {
      await clock.advance(wait * rules.windowMs)
      passed += wait
      attempt(balancer, 'success')
      expect(late.weight).toBeGreaterThanOrEqual(before)
      expect(late.weight).toBeLessThanOrEqual(full)
      before = late.weight
    }
    await clock.advance(Math.max(0, 1 - passed) * rules.windowMs + 1)
    attempt(balancer, 'success')
    expect(late.weight).toBe(full)
  }
  await fc.assert(fc.asyncProperty(slowStart, waits, fc.integer({ min: 1, max: 9 }), run), { seed: 18, numRuns: 100 })
})

test('attempts that were cancelled change nothing of who is ejected, and until when', async () => {
  const outcome = fc.record({ id: fc.constantFrom(...'abc'), kind: fc.constantFrom(...kinds), ms: fc.nat(60) })
  const run = async (outcomes: readonly { id: string; kind: Outcome['kind']; ms: number }[]) => {
    const play = async (isWithCancelled: boolean) => {
      const clock = virtualClock()
      const ejection = { consecutiveFailures: 2, baseMs: 100, maxMs: 300 }
      const balancer = createBalancer({ endpoints: [...'abc'].map((id) => named(id)), ejection, clock, strategy: 'round-robin' })
      const seen: unknown[] = []
      for (const { id, kind, ms } of outcomes) {
        await clock.advance(ms)
        if (kind !== 'cancelled' || isWithCancelled) attempt(balancer, kind, id)
        if (kind !== 'cancelled') seen.push(balancer.endpoints.map(({ state, ejectedUntil }) => [state, ejectedUntil]))
      }
      return seen
    }
    expect(await play(true)).toEqual(await play(false))
  }
  await fc.assert(fc.asyncProperty(fc.array(outcome, { minLength: 10, maxLength: 60 }), run), { seed: 19, numRuns: 60 })
})
